import { describe, expect, test } from 'vitest';
import { refuseInvalid, validateManifest, validateObject } from './validate.ts';

const task = (spec: unknown, metadata: unknown = { name: 'a' }) => ({
  apiVersion: 'river.dev/v1',
  kind: 'Task',
  metadata,
  spec,
});
const lines = (object: unknown) =>
  validateManifest(object).map(({ field, message }) => `${field}: ${message}`);
const specLines = (spec: unknown) => lines(task(spec));

test('good Tasks', () => {
  for (const spec of [
    { command: ['a'] },
    { script: '#!/bin/sh\necho', runtime: 'process', privileged: false, mounts: [] },
    { image: 'busybox' },
    { image: 'busybox', args: ['x'], mounts: ['/a:/b', '/c:/d:ro'], privileged: true, env: { A_1: '' } },
    {
      command: ['a'],
      resources: { cores: 0, memory: 1024 },
      targets: ['n1', 'n2.lab'],
      timeout: '1h',
      ttlAfterFinished: '0s',
    },
    {
      command: ['a'],
      nodeSelector: { 'a.b/c': 'd' },
      workingDir: '/x',
      suspend: true,
      stopped: false,
      rerun: '1',
    },
  ]) {
    expect(specLines(spec)).toEqual([]);
  }
  expect(
    lines(
      task(
        { command: ['a'] },
        { name: 'a'.repeat(52), namespace: 'lab', labels: { a: '' }, annotations: { 'x/y': 'any thing' } },
      ),
    ),
  ).toEqual([]);
  expect(
    lines({
      apiVersion: 'river.dev/v1',
      kind: 'Node',
      metadata: { name: 'n1' },
      spec: { unschedulable: true },
    }),
  ).toEqual([]);
});

describe('what is not an object of ours', () => {
  test.each([
    [5, ': must be an object with apiVersion, kind and metadata; found the number 5'],
    [[], ': must be an object with apiVersion, kind and metadata; found a list'],
    [{}, 'kind: is required: Task or Node or Environment'],
    [{ kind: 'Tsk' }, 'kind: must be Task or Node or Environment; found the text "Tsk"; did you mean Task?'],
    [{ kind: 'toString' }, 'kind: must be Task or Node or Environment; found the text "toString"'],
    [{ kind: 7 }, 'kind: must be Task or Node or Environment; found the number 7'],
    [{ kind: 'Run' }, 'kind: a Run is made by river, never by a manifest'],
    [
      { ...task({ command: ['a'] }), apiVersion: 'v1' },
      'apiVersion: must be river.dev/v1; found the text "v1"',
    ],
    [
      { ...task({ command: ['a'] }), apiVersion: undefined },
      'apiVersion: is required, as in apiVersion: river.dev/v1',
    ],
    [{ ...task({ command: ['a'] }), sepc: 1 }, 'sepc: unknown field; did you mean spec?'],
    [task(undefined), 'spec: is required'],
    [task('x'), 'spec: must be a map; found the text "x"'],
    [task(null), 'spec: must be a map; found nothing (leave the field out instead)'],
  ])('%j', (object, line) => {
    expect(lines(object)).toEqual([line]);
  });
});

describe('metadata', () => {
  test.each([
    [{}, 'metadata.name: is required'],
    [{ name: 'a', lables: {} }, 'metadata.lables: unknown field; did you mean labels?'],
    [
      { name: 'Hello' },
      'metadata.name: must be lower case letters, digits, - and ., with a letter or digit at both ends; found "Hello"',
    ],
    [{ name: 'a'.repeat(53) }, 'metadata.name: must have at most 52 characters; found 53'],
    [{ name: 5 }, 'metadata.name: must be text; found the number 5; put quotes around it'],
    [
      { name: 'a', namespace: 'a.b' },
      'metadata.namespace: must be lower case letters, digits and -, with a letter or digit at both ends; found "a.b"',
    ],
    [
      { name: 'a', labels: { a: true } },
      'metadata.labels.a: must be text; found the boolean true; put quotes around it',
    ],
  ])('%j', (metadata, line) => {
    expect(lines(task({ command: ['a'] }, metadata))).toEqual([line]);
  });

  test('metadata itself', () => {
    expect(lines({ ...task({ command: ['a'] }), metadata: undefined })).toEqual(['metadata: is required']);
  });

  test('labels and annotations name the key', () => {
    const found = validateObject(
      'Task',
      task({ command: ['a'] }, { name: 'a', labels: { 'a b': 'c', d: 'e f' }, annotations: { 'g/h/i': '' } }),
    );
    expect(found.map(({ field }) => field)).toEqual([
      'metadata.labels["a b"]',
      'metadata.labels.d',
      'metadata.annotations["g/h/i"]',
    ]);
  });

  test('cluster kinds are in no namespace', () => {
    const node = { apiVersion: 'river.dev/v1', kind: 'Node', metadata: { name: 'n', namespace: 'x' } };
    expect(lines(node)).toEqual(['metadata.namespace: must be left out: a Node is in no namespace']);
  });
});

describe('fields of a Task', () => {
  test.each([
    [{ comand: ['a'], image: 'i' }, 'spec.comand: unknown field; did you mean command?'],
    [{ comand: ['a'] }, 'spec.comand: unknown field; did you mean command?'],
    [{ image: 'i', cores: 2 }, 'spec.cores: unknown field; did you mean spec.resources.cores?'],
    [{ image: 'i', name: 'a' }, 'spec.name: unknown field; did you mean metadata.name?'],
    [{ command: 'echo hi' }, 'spec.command: must be a list of texts, as in [a, b]; found the text "echo hi"'],
    [{ command: [] }, 'spec.command: must have at least 1 entries; leave it out if there is none'],
    [{ command: ['a', 5] }, 'spec.command[1]: must be text; found the number 5; put quotes around it'],
    [{ command: [''] }, 'spec.command[0]: must be the name or path of a program; found an empty text'],
    [{ command: ['a', 'b\0c'] }, 'spec.command[1]: must not hold a NUL character'],
    [
      { command: ['a'], script: '#!/bin/sh' },
      'spec.script: cannot stand beside command; leave one of them out',
    ],
    [{}, 'spec.command: is required, or script, or an environment or image with a command of its own'],
    [
      { args: ['x'] },
      'spec.command: is required, or script, or an environment or image with a command of its own',
    ],
    [{ runtime: 'process' }, 'spec.command: is required, or script, where runtime is process'],
    [{ runtime: 'systemd' }, 'spec.command: is required, or script, where runtime is systemd'],
    [
      { runtime: 'dokcer', image: 'i' },
      'spec.runtime: must be docker or systemd or process; found the text "dokcer"; did you mean docker?',
    ],
    [
      { runtime: 'docker', command: ['a'] },
      'spec.image: is required, or environment, where runtime is docker; for a plain process of the node write runtime: process',
    ],
    [{ runtime: 'process', image: 'i', command: ['a'] }, 'spec.image: cannot stand beside runtime: process'],
    [{ runtime: 'systemd', image: 'i', command: ['a'] }, 'spec.image: cannot stand beside runtime: systemd'],
    [
      { runtime: 'process', command: ['a'], mounts: ['/a:/b'] },
      'spec.mounts: need runtime: docker; a process sees all of the node; for none write mounts: []',
    ],
    [
      { runtime: 'process', command: ['a'], privileged: true },
      'spec.privileged: needs runtime: docker; write privileged: false',
    ],
    [{ image: 'a b' }, 'spec.image: must be the name of an image, as in python:3.12-slim, without spaces'],
    [{ image: '' }, 'spec.image: must not be empty'],
    [
      { script: 'echo' },
      'spec.script: must begin with #! and the absolute path of its interpreter, as in #!/bin/sh',
    ],
    [
      { image: 'i', targets: ['n1', 'n2', 'n1'] },
      'spec.targets[2]: is the same place as targets[0]; name each once',
    ],
    [
      { image: 'i', targets: ['n1:a'] },
      'spec.targets[0]: must be node, node:NUMA, node::GPU,GPU or node:NUMA:GPU,GPU, as in node2:1:0,2; found "n1:a"',
    ],
    [
      { image: 'i', targets: ['n1:'] },
      'spec.targets[0]: must be node, node:NUMA, node::GPU,GPU or node:NUMA:GPU,GPU, as in node2:1:0,2; found "n1:"',
    ],
    [
      { image: 'i', targets: ['N1:0'] },
      'spec.targets[0]: must be lower case letters, digits, - and ., with a letter or digit at both ends; found "N1"; a target is node, node:NUMA, node::GPU,GPU or node:NUMA:GPU,GPU, as in node2:1:0,2',
    ],
    [{ image: 'i', targets: ['n1::0,1,0'] }, 'spec.targets[0]: names GPU 0 twice; found "n1::0,1,0"'],
    [
      { image: 'i', targets: ['n1::1,0', 'n1:0:0', 'n1::0,1'] },
      'spec.targets[2]: is the same place as targets[0]; name each once',
    ],
    [
      { image: 'i', targets: ['n1::0,1'], resources: { gpus: 1 } },
      'spec.targets[0]: names 2 GPUs, and resources.gpus asks for 1; leave one of them out',
    ],
    [
      { image: 'i', resources: { pin: true, cores: 1.5 } },
      'spec.resources.cores: must be a whole number from 1 where pin is true; found 1.5',
    ],
    [
      { image: 'i', resources: { gpus: { shared: true } } },
      'spec.resources.gpus.memory: is required where shared is true: so much of each GPU is charged',
    ],
    [
      { image: 'i', resources: { gpus: { memory: '20Q' } } },
      'spec.resources.gpus.memory: must be bytes: a whole number, or a number with k, M, G, T, P (1000-based) or Ki, Mi, Gi, Ti, Pi (1024-based), as in 512M or 4Gi; found 20Q',
    ],
    [
      { image: 'i', tolerations: [{ value: 'x' }] },
      'spec.tolerations[0].key: is required; for every taint write operator: Exists',
    ],
    [
      { image: 'i', tolerations: [{ key: 'a', operator: 'Exists', value: 'x' }] },
      'spec.tolerations[0].value: cannot stand beside operator: Exists; leave it out',
    ],
    [
      { image: 'i', targets: [] },
      'spec.targets: must have at least 1 entries; leave it out if there is none',
    ],
    [
      { image: 'i', resources: { memory: '1M' } },
      'spec.resources.memory: must be 6Mi or more in docker; found 1M',
    ],
    [
      { command: ['a'], args: ['x', '--lr=span:{1..}'] },
      'spec.args[1]: has a span that is none: a range is two whole numbers with .. between them; found "span:{1..}". Write span:{1..3} or span:[a,b]; \\span: for the text itself',
    ],
    [
      { command: ['a'], env: { SEED: 'span:[1' } },
      'spec.env.SEED: has a span that is none: it has no ]; found "span:[1". Write span:{1..3} or span:[a,b]; \\span: for the text itself',
    ],
    [
      { command: ['a', 'span:{1..200}'], args: ['span:{1..100}'] },
      'spec.command[1]: the spans multiply to 20000 runs, at most 10000 are made; leave values out, or make several Tasks',
    ],
    [
      { command: ['a'], args: ['span:{1..6000}'], targets: ['a', 'b'] },
      'spec.args[0]: 6000 points on 2 targets are 12000 runs, at most 10000 are made; leave values out, or make several Tasks',
    ],
    [{ command: ['a'], parallelism: 0 }, 'spec.parallelism: must be 1 or more; found the number 0'],
    [
      { image: 'i', resources: { memory: 0 } },
      'spec.resources.memory: must be more than 0; leave it out for no limit',
    ],
    [
      { image: 'i', resources: { memory: true } },
      'spec.resources.memory: must be bytes, as in 512M, 4Gi or a whole number; found the boolean true',
    ],
    [
      { image: 'i', resources: { memory: 1.5 } },
      'spec.resources.memory: must be bytes, as in 512M, 4Gi or a whole number; found the number 1.5',
    ],
    [
      { image: 'i', resources: { memory: -5 } },
      'spec.resources.memory: must be bytes, as in 512M, 4Gi or a whole number; found the number -5',
    ],
    [{ image: 'i', resources: { cores: '2' } }, 'spec.resources.cores: must be a number; found the text "2"'],
    [
      { image: 'i', resources: { cores: -1 } },
      'spec.resources.cores: must be 0 or more; found the number -1',
    ],
    [
      { image: 'i', resources: { cores: 0.0001 } },
      'spec.resources.cores: must be 0 or more cores in steps of 0.001, as in 4 or 0.5; found 0.0001',
    ],
    [{ image: 'i', resources: { core: 1 } }, 'spec.resources.core: unknown field; did you mean cores?'],
    [{ image: 'i', env: { A: 1 } }, 'spec.env.A: must be text; found the number 1; put quotes around it'],
    [{ image: 'i', env: ['A=1'] }, 'spec.env: must be a map of texts, as in {key: value}; found a list'],
    [
      { image: 'i', env: { 'A-B': '1' } },
      'spec.env.A-B: must be a name of letters, digits and _ that does not begin with a digit; found "A-B"',
    ],
    [{ image: 'i', mounts: ['/a:/b', '/c:/b/'] }, 'spec.mounts[1]: has the same target as mounts[0]'],
    [{ image: 'i', workingDir: 'x' }, 'spec.workingDir: must be an absolute path; found "x"'],
    [{ image: 'i', timeout: 90 }, 'spec.timeout: must be text; found the number 90; put quotes around it'],
    [{ image: 'i', retry: { limit: -1 } }, 'spec.retry.limit: must be 0 or more; found the number -1'],
    [
      { image: 'i', retry: { limit: 1, on: ['Failed', 'Failed'] } },
      'spec.retry.on[1]: names Failed a second time',
    ],
    [{ image: 'i', timeout: '0s' }, 'spec.timeout: must be more than 0; leave it out for no limit'],
    [
      { image: 'i', ttlAfterFinished: '1w' },
      'spec.ttlAfterFinished: must be a time span of numbers with d, h, m, s or ms, biggest first, as in 90s, 1h30m or 7d; found 1w',
    ],
    [{ image: 'i', suspend: 'yes' }, 'spec.suspend: must be true or false; found the text "yes"'],
    [
      { image: 'i', nodeSelector: { 'a b': 'c' } },
      'spec.nodeSelector["a b"]: a key must be letters, digits, -, _ and . (at most 63), with a DNS name and / before it if wanted; found "a b"',
    ],
  ])('%j', (spec, line) => {
    expect(specLines(spec)).toEqual([line]);
  });

  test('many faults are told together, also beside a wrong type', () => {
    expect(
      specLines({ image: 'i', resources: { memory: '8X' }, env: 5, workingDir: 'x' }).map(
        (line) => line.split(':')[0],
      ),
    ).toEqual(['spec.env', 'spec.workingDir', 'spec.resources.memory']);
  });

  test.each([
    [{ resources: { cores: 'two', memory: '5Q' } }, ['spec.resources.cores', 'spec.resources.memory']],
    [{ resources: { cpu: 2, memory: '5Q' } }, ['spec.resources.cpu', 'spec.resources.memory']],
    [{ comand: ['a'], env: { A: 1, 'B-C': '' } }, ['spec.comand', 'spec.env.A', 'spec.env.B-C']],
    [{ targets: ['n', 5, 'n'], timeout: '5 min' }, ['spec.targets[1]', 'spec.timeout']],
    [{ nodeSelector: { a: null, 'b c': 'd' } }, ['spec.nodeSelector.a', 'spec.nodeSelector["b c"]']],
  ])('a fault in one place hides none beside it: %j', (spec, fields) => {
    const found = specLines({ image: 'i', ...spec }).map((line) => line.split(': ')[0]);
    expect(found.sort()).toEqual(fields.sort());
  });

  test('nor one in metadata, of the wrong type or not', () => {
    const metadata = { name: 'A', namespace: null, labels: { a: null, 'b c': 'd' }, annotations: 5 };
    expect(lines(task({ image: 'i', workingDir: 'x' }, metadata)).map((line) => line.split(': ')[0])).toEqual(
      [
        'metadata.namespace',
        'metadata.labels.a',
        'metadata.annotations',
        'metadata.name',
        'metadata.labels["b c"]',
        'spec.workingDir',
      ],
    );
  });

  test('an unknown field without a near one lists the known', () => {
    expect(specLines({ image: 'i', resources: { disk: 1 } })).toEqual([
      'spec.resources.disk: unknown field; known here: cores, memory, gpus, numa, pin',
    ]);
  });

  test('causes carry a reason', () => {
    expect(
      validateObject('Task', task({ image: 'i', foo: 1, workingDir: 'x' })).map(({ reason }) => reason),
    ).toEqual(['FieldValueForbidden', 'FieldValueInvalid']);
  });
});

describe('status', () => {
  const run = (status: unknown) => ({
    apiVersion: 'river.dev/v1',
    kind: 'Run',
    metadata: { name: 'r' },
    spec: 'not looked at',
    status,
  });
  const check = (status: unknown) => validateObject('Run', run(status), { subresource: 'status' });

  test('a newer runner may report more than is known', () => {
    const condition = {
      type: 'A',
      status: 'True',
      reason: 'R',
      message: '',
      lastTransitionTime: 't',
      newer: 1,
    };
    expect(check({ phase: 'Running', newer: 1, conditions: [condition] })).toEqual([]);
  });

  test('what is known must be right', () => {
    expect(check({ phase: 'Runing' }).map(({ field, message }) => `${field}: ${message}`)).toEqual([
      'status.phase: must be Pending or Scheduled or Preparing or Starting or Running or Paused or Succeeded or Failed or Stopped or Lost; found the text "Runing"; did you mean Running?',
    ]);
    expect(check({ phase: 'Running', exitCode: '1' })).toHaveLength(1);
  });

  test('beside the subresource it is not looked at', () => {
    expect(validateObject('Task', { ...task({ command: ['a'] }), status: 5 })).toEqual([]);
  });
});

test('a refusal carries all causes in one sentence', () => {
  const causes = validateObject('Task', task({ image: 'i', workingDir: 'x', timeout: '0s' }));
  expect(() => refuseInvalid('Task', 'a', causes)).toThrow(
    'Task "a" is invalid: spec.workingDir: must be an absolute path; found "x"; spec.timeout: must be more than 0; leave it out for no limit',
  );
  expect(() => refuseInvalid('Task', 'a', [])).not.toThrow();
});

describe('very large objects', () => {
  test('say what is wrong in few words', () => {
    const causes = validateObject('Task', task({ command: ['a'], args: Array(200_000).fill(1) }));
    expect(causes.map(({ field }) => field)).toEqual(['spec.args[0]']);
    const labels = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`-${index}`, '']));
    expect(validateObject('Task', task({ command: ['a'] }, { name: 'a', labels }))).toHaveLength(100);
  });

  test('are refused also for what comes after a status that nobody looks at', () => {
    const object = { ...task({ command: ['a'], comand: ['b'] }), status: { runs: Array(6000).fill(1) } };
    expect(validateObject('Task', object).map(({ field }) => field)).toEqual(['spec.comand']);
  });

  test('are good when they are', () => {
    expect(validateObject('Task', task({ command: ['a'], args: Array(6000).fill('x') }))).toEqual([]);
  });
});
