import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Node, Run, Task } from '../../pkg/api/index.ts';
import { parseCpuList } from '../../pkg/topology/index.ts';
import { eventually, example, Sandbox, task } from './sandbox.ts';

/** Without what GPUs the machine of the tests may have. */
const sandbox = new Sandbox({ RIVER_RUNNER_TOPOLOGY_GPUS: '[]' });
let node: Node;

beforeAll(async () => {
  await sandbox.dev();
  node = (await sandbox.object<{ items: Node[] }>('nodes')).items[0] as Node;
});

afterAll(() => sandbox.close());

const cores = () => node.status?.allocatable?.cores ?? 0;
const name = () => node.metadata.name ?? '';

/** Goes on until `release`. */
function holding(file: string): { command: string[]; release(): void } {
  const path = sandbox.path(file);
  return {
    command: ['sh', '-c', `while [ ! -e ${path} ]; do sleep 0.02; done`],
    release: () => writeFileSync(path, ''),
  };
}

async function waits(task: string): Promise<void> {
  await sandbox.ok('wait', `task/${task}`, '--for', 'condition=Scheduled=False', '--timeout', '30s');
}

describe('river why', () => {
  it('names who holds what is missing, until when, and the smallest change that runs; and that change runs', async () => {
    const holder = holding('holder');
    const spec = { runtime: 'process', command: holder.command, timeout: '2h' };
    await sandbox.apply(task('holder', { ...spec, resources: { cores: cores() - 0.5 } }));
    await sandbox.ok('wait', 'task/holder', '--for', 'phase=Running', '--timeout', '30s');
    const wish = { runtime: 'process', command: ['true'] };
    await sandbox.apply(task('big', { ...wish, resources: { cores: cores() } }));
    await waits('big');
    const text = await sandbox.ok('why', 'task/big');
    expect(text).toContain(`  ${name()}: 0.5 of ${cores()} cores free, needs ${cores()}\n`);
    expect(text).toMatch(/held by default\/holder-.*: .* cores, for .*, until .* at the latest\n/);
    expect(text).toContain(`It would run now on ${name()} with spec.resources.cores 0.5 (now ${cores()}).\n`);
    await sandbox.apply(task('big', { ...wish, resources: { cores: 0.5 } }));
    await sandbox.ok('wait', 'task/big', '--for', 'condition=Complete', '--timeout', '30s');
    expect(await sandbox.ok('why', 'task/big')).toMatch(
      /^Nothing waits for a node: default\/big-.* is Succeeded\.\n$/,
    );
    holder.release();
  });

  it('says what nothing can change, and what is asked of no object', async () => {
    await sandbox.apply(task('gpus', { runtime: 'process', command: ['true'], resources: { gpus: 1 } }));
    await waits('gpus');
    expect(await sandbox.ok('why', 'gpus', 'x').catch((error: Error) => error.message)).toContain(
      'GPUs are no objects',
    );
    expect(await sandbox.ok('why', 'task', 'gpus')).toContain(
      `  ${name()}: has no GPU\n\nNo smaller wish would run now`,
    );
    expect((await sandbox.river('why', 'tasks')).code).toBe(2);
    expect((await sandbox.river('why', `node/${name()}`)).stderr).toContain('why knows tasks and runs');
    await sandbox.ok('delete', 'task/gpus');
  });
});

describe('taints', () => {
  it('keep away what does not tolerate them, until they are taken off', async () => {
    expect(await sandbox.ok('taint', `node/${name()}`, 'reserved=demo:NoSchedule')).toBe(
      `node.river.dev/${name()} tainted\n`,
    );
    expect(await sandbox.ok('taint', name(), 'reserved=demo:NoSchedule')).toContain('unchanged');
    await sandbox.apply(task('plain', { runtime: 'process', command: ['true'] }));
    await waits('plain');
    expect(await sandbox.ok('why', 'task/plain')).toContain(
      `It would run now on ${name()} with spec.tolerations for reserved=demo:NoSchedule (now none for it).`,
    );
    await sandbox.ok('apply', '-f', example('taints.yaml'));
    await sandbox.ok('wait', 'task/tolerant', '--for', 'condition=Complete', '--timeout', '30s');
    await sandbox.ok('taint', 'node', name(), 'reserved-');
    await sandbox.ok('wait', 'task/plain', '--for', 'condition=Complete', '--timeout', '30s');
    expect((await sandbox.object<Node>('node', name())).spec?.taints).toBeUndefined();
  });

  it.each([
    [
      ['reserved=demo:Never'],
      'reserved=demo:Never must be KEY[=VALUE]:EFFECT with the effect NoSchedule or PreferNoSchedule',
    ],
    [['a b:NoSchedule'], 'a b:NoSchedule: a key must be'],
    [[], 'say which taint'],
  ])('refuses %j', async (words, message) => {
    const { code, stderr } = await sandbox.river('taint', `node/${name()}`, ...words);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });
});

describe('the queue', () => {
  it('priority: what waits with a higher one is placed first', async () => {
    const holder = holding('all');
    const all = { cores: cores() };
    const spec = (command: string[], more: object = {}) => ({
      runtime: 'process',
      command,
      resources: all,
      ...more,
    });
    await sandbox.apply(task('all', spec(holder.command)));
    await sandbox.ok('wait', 'task/all', '--for', 'phase=Running', '--timeout', '30s');
    await sandbox.apply(task('low', spec(['true'])));
    await waits('low');
    await sandbox.apply(task('high', spec(['true'], { priority: 1 })));
    await sandbox.ok('apply', '-f', example('priority.yaml'));
    await waits('high');
    holder.release();
    for (const each of ['low', 'high', 'urgent'])
      await sandbox.ok('wait', `task/${each}`, '--for', 'condition=Complete', '--timeout', '60s');
    const { items } = await sandbox.object<{ items: Run[] }>('runs');
    const started = (owner: string) =>
      items.find(({ spec: { task: of } }) => of === owner)?.status?.startedAt ?? '';
    expect(started('high') < started('low')).toBe(true);
    expect(started('urgent') <= started('high')).toBe(true);
  });

  it('a target with a NUMA node or a GPU that the machine does not have says what there is', async () => {
    const wish = (target: string) => ({ runtime: 'process', command: ['true'], targets: [target] });
    await sandbox.apply(task('numa', wish(`${name()}:7`)));
    await sandbox.apply(task('gpu', wish(`${name()}::3`)));
    await waits('numa');
    await waits('gpu');
    const message = async (of: string) =>
      (await sandbox.object<Task>('task', of)).status?.conditions?.find(({ type }) => type === 'Scheduled')
        ?.message;
    expect(await message('numa')).toMatch(/has no NUMA node 7; it has 0/);
    expect(await message('gpu')).toContain('has no GPU');
  });

  it('pins: the run has the CPUs to itself, and they are in its placement', async () => {
    const pinned = { cores: 1, pin: true };
    await sandbox.apply(task('pinned', { runtime: 'process', command: ['true'], resources: pinned }));
    await sandbox.ok('wait', 'task/pinned', '--for', 'condition=Complete', '--timeout', '30s');
    expect((await sandbox.runOf('pinned')).spec.placement).toMatchObject({
      cpus: expect.stringMatching(/^\d+$/),
      pinned: true,
    });
  });

  it('what runs leaves the CPUs that another has pinned, both say where they really are, and it comes back', async () => {
    const observed = async (of: string, cpus: (now: string, run: Run) => boolean) => {
      let found: Run | undefined;
      await eventually(`the CPUs of ${of}`, 30_000, async () => {
        found = (await sandbox.runsOf(of)).find((run) => cpus(run.status?.observed?.cpus ?? '', run));
        return found !== undefined;
      });
      return found as Run;
    };
    const all = node.status?.cpus?.allocatable ?? '';
    const [shared, alone] = [holding('shared'), holding('alone')];
    const wish = (command: string[], wished: object) => ({ runtime: 'process', command, resources: wished });
    await sandbox.apply(task('shared', wish(shared.command, { cores: 0.25, memory: '64Mi' })));
    await observed('shared', (cpus) => cpus === all);
    await sandbox.apply(task('alone', wish(alone.command, { cores: 1, pin: true })));
    const pinned = await observed('alone', (cpus, run) => cpus !== '' && cpus === run.spec.placement?.cpus);
    const moved = await observed('shared', (cpus) => cpus !== '' && cpus !== all);
    const given = (run: Run) => parseCpuList(run.status?.observed?.cpus ?? '') ?? [];
    expect(given(moved).filter((cpu) => given(pinned).includes(cpu))).toEqual([]);
    expect(moved.status?.conditions?.find(({ type }) => type === 'ResourcesBound')).toBeUndefined();
    const text = await sandbox.ok('describe', 'run', moved.metadata.name ?? '');
    expect(text).toContain(`CPUs ${moved.status?.observed?.cpus}, NUMA nodes 0`);
    alone.release();
    await observed('shared', (cpus) => cpus === all);
    shared.release();
    await sandbox.ok('wait', 'task/shared', '--for', 'condition=Complete', '--timeout', '30s');
  });
});

it('river label sets and takes off', async () => {
  await sandbox.ok('label', `node/${name()}`, 'zone=a', 'disk=ssd');
  expect(await sandbox.ok('label', `node/${name()}`, 'zone=a')).toContain('unchanged');
  await sandbox.ok('label', `node/${name()}`, 'zone-');
  const { labels } = (await sandbox.object<Node>('node', name())).metadata;
  expect(labels).toMatchObject({ disk: 'ssd' });
  expect(labels).not.toHaveProperty('zone');
  expect((await sandbox.river('label', `node/${name()}`, 'a b=c')).code).toBe(2);
});
