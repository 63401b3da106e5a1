import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Task } from '../../pkg/api/index.ts';
import { example, examples, type Running, root, Sandbox, task } from './sandbox.ts';

/** One `river dev` and the commands, as in the README. */
const sandbox = new Sandbox();

let dev: Running;

beforeAll(async () => {
  dev = await sandbox.dev();
});

afterAll(() => sandbox.close());

/** A command that goes on until the file of this name is made. */
function until(name: string): { command: string[]; release(): void } {
  const file = sandbox.path(name);
  return {
    command: ['sh', '-c', `echo waiting; while [ ! -e ${file} ]; do sleep 0.02; done; echo released`],
    release: () => writeFileSync(file, ''),
  };
}

it('river dev says what its node runs, when it is known', () => {
  expect(dev.stdout).toMatch(/^Ready: node \S+ runs (docker and )?process\. In another terminal:$/m);
});

describe('examples', () => {
  it('are all run by a test', () => {
    const folders = [import.meta.dirname, join(root, 'test/systemd')];
    const text = folders
      .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => readFileSync(file, 'utf8'))
      .join('');
    const run = [...text.matchAll(/(?:'apply', '-f', |ran\()example\('([^']+)'\)/g)].map(([, name]) => name);
    expect([...new Set(run)].sort()).toEqual(
      readdirSync(examples)
        .filter((name) => name.endsWith('.yaml'))
        .sort(),
    );
  });

  it('hello: created, run, its output kept apart, unchanged when applied again', async () => {
    expect(await sandbox.ok('apply', '-f', example('hello.yaml'))).toBe('task.river.dev/hello created\n');
    expect(
      await sandbox.ok('wait', 'task/hello', '--for', 'condition=Complete', '--timeout', '30s'),
    ).toContain('met');
    const { stdout, stderr } = await sandbox.river('logs', 'task/hello');
    expect(stdout).toMatch(/^hello from .*, this is run hello-[0-9a-f]{8}-0-0\n$/);
    expect(stderr).toBe('what goes to standard error is kept apart\n');
    expect(await sandbox.ok('apply', '-f', example('hello.yaml'))).toBe('task.river.dev/hello unchanged\n');
    expect(await sandbox.runsOf('hello')).toHaveLength(1);
  });

  it('script: arguments arrive as they are', async () => {
    await sandbox.ok('apply', '-f', example('script.yaml'));
    await sandbox.ok('wait', 'task/script', '--for', 'phase=Succeeded', '--timeout', '30s');
    expect(await sandbox.ok('logs', 'script')).toBe('3 arguments\n- one\n- two words\n- $not expanded\n');
  });

  it('sweep: every point once, as one object', async () => {
    await sandbox.ok('apply', '-f', example('sweep.yaml'));
    await sandbox.ok('wait', 'task/sweep', '--for', 'condition=Complete', '--timeout', '60s');
    const lines = (await sandbox.ok('logs', 'task/sweep')).match(/run \d+: .*/g) ?? [];
    const expected = ['0.1', '0.01'].flatMap((rate) =>
      [1, 2, 3].flatMap((seed) =>
        ['l1', 'l2'].map((loss) => `--lr=${rate} --seed ${seed} with LOSS=${loss}`),
      ),
    );
    expect(lines.sort()).toEqual(expected.map((line, index) => `run ${index}: ${line}`).sort());
    expect((await sandbox.object<Task>('task', 'sweep')).status).toMatchObject({
      total: 12,
      completed: '0-11',
    });
    expect(await sandbox.ok('describe', 'task/sweep')).toMatch(
      /POINT[\s\S]*args\[0\]=0\.01 args\[2\]=3 env\.LOSS=l2 +Succeeded/,
    );
  });

  it('a thousand points are one object to watch, pause and delete, and parallelism holds', async () => {
    const command = ['sh', '-c', until('never').command[2], 'x', 'span:{1..1000}'];
    const resources = { cores: 0 };
    await sandbox.apply(task('thousand', { runtime: 'process', command, parallelism: 3, resources }));
    await sandbox.ok('wait', 'task/thousand', '--for', 'phase=Running', '--timeout', '30s');
    const { status } = await sandbox.object<Task>('task', 'thousand');
    expect(status).toMatchObject({ total: 1000, active: 3 });
    expect(await sandbox.runsOf('thousand')).toHaveLength(3);
    await sandbox.ok('pause', 'task/thousand');
    await sandbox.ok('wait', 'task/thousand', '--for', 'phase=Suspended', '--timeout', '30s');
    await sandbox.ok('delete', 'task/thousand');
    expect(await sandbox.runsOf('thousand')).toEqual([]);
  });

  it('resources: what the run is given is recorded in it', async () => {
    await sandbox.ok('apply', '-f', example('resources.yaml'));
    await sandbox.ok('wait', 'task/resources', '--for', 'condition=Complete', '--timeout', '30s');
    const [run] = await sandbox.runsOf('resources');
    expect(run?.spec.resources).toEqual({ cores: 0.5, memory: '64Mi' });
    expect(run?.status).toMatchObject({ phase: 'Succeeded', exitCode: 0, reason: 'Completed' });
  });
});

describe('get', () => {
  it('tables, wide ones, names, documents', async () => {
    expect(await sandbox.ok('get', 'task', 'hello')).toMatch(
      /^NAME +STATUS +RUNS +AGE\nhello +Succeeded +1\/1 +\d+s\n$/,
    );
    expect(await sandbox.ok('get', 'tasks', '-o', 'wide')).toMatch(/RUNTIME[\s\S]*hello .* process /);
    expect(await sandbox.ok('get', 'task/hello', 'task/script', '-o', 'name')).toBe(
      'task.river.dev/hello\ntask.river.dev/script\n',
    );
    expect(await sandbox.ok('get', 'task.river.dev/hello', '-o', 'name')).toBe('task.river.dev/hello\n');
    expect(await sandbox.ok('get', 'task', 'hello', '-o', 'yaml')).toMatch(
      /^apiVersion: river.dev\/v1\nkind: Task\n/,
    );
    expect((await sandbox.object<Task>('task', 'hello')).status?.phase).toBe('Succeeded');
    expect(await sandbox.ok('get', 'nodes')).toMatch(/ Ready /);
    expect(await sandbox.ok('get', 'tasks,nodes', '-A')).toMatch(
      /NAMESPACE[\s\S]*task\.river\.dev\/hello[\s\S]*node\.river\.dev\//,
    );
    expect(
      await sandbox.ok('get', 'runs', '--field-selector', 'status.phase=Succeeded', '-o', 'name'),
    ).toContain('run.river.dev/hello-');
    expect(await sandbox.ok('get', 'events')).toContain('task/hello');
  });

  it('shows what is there and reports what is not', async () => {
    const { code, stdout, stderr } = await sandbox.river('get', 'task', 'hello', 'nothing');
    expect([code, stdout.includes('hello'), stderr.includes('nothing')]).toEqual([1, true, true]);
    expect(await sandbox.river('get', 'tasks', '-n', 'elsewhere')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'No tasks found in namespace elsewhere.\n',
    });
  });

  it('-w shows every change of a phase', async () => {
    const watch = sandbox.start('river', ['get', 'tasks', '-w', '-l', 'watched=yes']);
    await watch.says('No tasks found');
    const gate = until('watched');
    await sandbox.apply({
      apiVersion: 'river.dev/v1',
      kind: 'Task',
      metadata: { name: 'watched', labels: { watched: 'yes' } },
      spec: { command: gate.command },
    });
    await watch.says('Running');
    gate.release();
    await watch.says('Succeeded');
    expect(watch.stdout.match(/NAME/g)).toHaveLength(1);
    expect(await watch.stop('SIGINT')).toBe(130);
  });
});

it('describe tells of a task, its run and the node all that matters', async () => {
  const ofTask = await sandbox.ok('describe', 'task/hello');
  for (const word of ['Name:', 'Phase:', 'Spec:', 'Runs:', 'hello-', 'Conditions:', 'Complete', 'Events:']) {
    expect(ofTask).toContain(word);
  }
  const [run] = await sandbox.runsOf('hello');
  const ofRun = await sandbox.ok('describe', `run/${run?.metadata.name}`);
  for (const word of ['Started:', 'Exit:', 'CPU seconds:', 'Completed']) expect(ofRun).toContain(word);
  const ofNode = await sandbox.ok('describe', 'nodes');
  for (const word of ['Allocatable:', 'Runtimes:', 'Ready', run?.metadata.name ?? ''])
    expect(ofNode).toContain(word);
});

describe('logs', () => {
  it('-f begins before there is a run, and ends with it', async () => {
    const gate = until('followed');
    await sandbox.apply(task('followed', { command: gate.command }));
    const logs = sandbox.start('river', ['logs', '-f', 'task/followed']);
    await logs.says('waiting');
    expect(logs.alive).toBe(true);
    gate.release();
    expect(await logs.ended).toBe(0);
    expect(logs.stdout).toBe('waiting\nreleased\n');
  });

  it('--tail, --stream', async () => {
    await sandbox.apply(task('lines', { command: ['sh', '-c', 'seq 1 100; echo oops >&2'] }));
    await sandbox.ok('wait', 'task/lines', '--for', 'condition=Complete', '--timeout', '30s');
    expect(await sandbox.ok('logs', 'lines', '--tail', '2', '--stream', 'stdout')).toBe('99\n100\n');
    expect(await sandbox.river('logs', 'lines', '--stream', 'stderr')).toMatchObject({
      stdout: '',
      stderr: 'oops\n',
    });
  });
});

describe('wait', () => {
  it('ends at once when it never can be, and with 124 when time is up', async () => {
    await sandbox.apply(task('fails', { command: ['sh', '-c', 'exit 3'] }));
    const never = await sandbox.river(
      'wait',
      'task/fails',
      '--for',
      'condition=Complete',
      '--timeout',
      '30s',
    );
    expect(never).toMatchObject({ code: 1, stdout: '' });
    expect(never.stderr).toContain('has ended as Failed');
    const [run] = await sandbox.runsOf('fails');
    expect(run?.status).toMatchObject({ phase: 'Failed', exitCode: 3, reason: 'NonZeroExit' });
    expect((await sandbox.river('wait', 'task/hello', '--for', 'delete', '--timeout', '50ms')).code).toBe(
      124,
    );
    expect((await sandbox.river('wait', 'task/none', '--for', 'condition=Complete')).code).toBe(1);
  });
});

describe('stop, rerun, change, delete', () => {
  it('stop ends the whole tree of a run, rerun begins again', async () => {
    const gate = until('never-made');
    await sandbox.apply(task('endless', { command: gate.command }));
    await sandbox.ok('wait', 'task/endless', '--for', 'phase=Running', '--timeout', '30s');
    expect(await sandbox.ok('stop', 'endless')).toBe('task.river.dev/endless stopped\n');
    await sandbox.ok('wait', 'task/endless', '--for', 'phase=Stopped', '--timeout', '30s');
    expect((await sandbox.runsOf('endless')).map((run) => run.status?.phase)).toEqual(['Stopped']);
    expect(await sandbox.ok('stop', 'endless')).toBe('task.river.dev/endless unchanged\n');
    expect(await sandbox.ok('rerun', 'task/endless')).toBe('task.river.dev/endless rerun\n');
    await sandbox.ok('wait', 'task/endless', '--for', 'phase=Running', '--timeout', '30s');
    expect(await sandbox.runsOf('endless')).toHaveLength(2);
  });

  it('a changed manifest replaces the run; one that sets what stop has set meets a conflict', async () => {
    expect(await sandbox.apply(task('endless', { command: ['sleep', '60'] }))).toBe(
      'task.river.dev/endless configured\n',
    );
    await sandbox.ok('wait', 'task/endless', '--for', 'phase=Running', '--timeout', '30s');
    const stopped = task('endless', { command: ['sleep', '60'], stopped: true });
    const documents = [task('companion', { command: ['true'], suspend: true }), stopped];
    const text = documents.map((each) => JSON.stringify(each, null, 2)).join('\n---\n');
    const file = sandbox.write('conflict.yaml', text);
    const { code, stdout, stderr } = await sandbox.river('apply', '-f', file);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/conflict\.yaml:\d+:\d+: spec\.stopped: .*river-control/);
    // The good document of the file was not written either.
    expect((await sandbox.river('get', 'task', 'companion')).code).toBe(1);
    expect(await sandbox.ok('apply', '-f', file, '--force-conflicts')).toBe(
      'task.river.dev/companion created\ntask.river.dev/endless configured\n',
    );
    await sandbox.ok('wait', 'task/endless', '--for', 'phase=Stopped', '--timeout', '30s');
  });

  it('a dry run says what would be, and changes nothing', async () => {
    const file = sandbox.write('dry.json', JSON.stringify(task('dry', { command: ['true'] })));
    expect(await sandbox.ok('apply', '-f', file, '--dry-run')).toBe(
      'task.river.dev/dry valid (client dry run)\n',
    );
    expect(await sandbox.ok('apply', '-f', file, '--dry-run=server')).toBe(
      'task.river.dev/dry created (server dry run)\n',
    );
    expect((await sandbox.river('get', 'task', 'dry')).code).toBe(1);
  });

  it('delete waits until nothing is left, output files included', async () => {
    const [run] = await sandbox.runsOf('followed');
    const out = run?.status?.log?.out ?? '';
    expect(existsSync(out)).toBe(true);
    expect(await sandbox.ok('delete', 'task', 'endless', 'followed')).toBe(
      'task.river.dev/endless deleted\ntask.river.dev/followed deleted\n',
    );
    expect(existsSync(out)).toBe(false);
    expect(await sandbox.runsOf('followed')).toEqual([]);
    await sandbox.apply(task('other', { command: ['true'], suspend: true }));
    expect(await sandbox.river('delete', 'task', 'followed', 'other')).toEqual({
      code: 1,
      stdout: 'task.river.dev/other deleted\n',
      stderr: 'river: tasks.river.dev "followed" not found\n',
    });
    expect((await sandbox.river('delete', 'task/followed', '--ignore-not-found')).code).toBe(0);
  });

  it('delete by file, label and all', async () => {
    await sandbox.ok('delete', '-f', example('hello.yaml'));
    expect(await sandbox.ok('delete', 'tasks', '-l', 'watched=yes', '--wait=false')).toMatch(
      /^task\.river\.dev\/watched deletion started\n$/,
    );
    await sandbox.ok('wait', 'task/watched', '--for', 'delete', '--timeout', '30s');
    await sandbox.ok('delete', 'tasks', '--all');
    expect((await sandbox.object<{ items: Task[] }>('tasks')).items).toEqual([]);
  });
});

it('-n, before or after the command, is the namespace of what names none', async () => {
  const file = sandbox.write('there.json', JSON.stringify(task('there', { command: ['true'] })));
  expect(await sandbox.ok('-n', 'lab', 'apply', '-f', file)).toBe('task.river.dev/there created\n');
  await sandbox.ok('wait', 'task/there', '-n', 'lab', '--for', 'condition=Complete', '--timeout', '30s');
  expect(await sandbox.ok('get', 'tasks', '-A')).toMatch(/^NAMESPACE +NAME[\s\S]*\nlab +there /);
  const elsewhere = {
    ...task('there', { command: ['true'] }),
    metadata: { name: 'there', namespace: 'other' },
  };
  sandbox.write('there.json', JSON.stringify(elsewhere));
  const { code, stderr } = await sandbox.river('apply', '-f', file, '-n', 'lab');
  expect([code, stderr]).toEqual([2, expect.stringContaining('metadata.namespace: is not lab')]);
  await sandbox.ok('delete', 'task/there', '-n', 'lab');
});

it('a task for a node that does not exist waits, and says so', async () => {
  await sandbox.apply(task('elsewhere', { command: ['true'], targets: ['no-such-node'] }));
  await sandbox.ok('wait', 'task/elsewhere', '--for', 'condition=Scheduled=False', '--timeout', '30s');
  expect(await sandbox.ok('describe', 'task/elsewhere')).toContain('no-such-node');
  await sandbox.ok('delete', 'task/elsewhere');
});

it('the config file is for its owner only', () => {
  expect(statSync(join(sandbox.home, '.river/config')).mode & 0o777).toBe(0o600);
});
