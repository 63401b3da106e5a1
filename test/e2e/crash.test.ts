import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Task } from '../../pkg/api/index.ts';
import { type TestEngine, withEngine } from '../env/engine.ts';
import { eventually, type Running, Sandbox, task } from './sandbox.ts';

const found = await withEngine();
let sandbox: Sandbox;
let dev: Running;

beforeEach(async () => {
  const engine: TestEngine | undefined = found.engine;
  sandbox = new Sandbox(engine ? { DOCKER_HOST: `unix://${engine.socketPath}` } : {});
  dev = await sandbox.dev();
});

afterEach(async () => {
  await sandbox.river('delete', 'tasks', '--all', '--timeout', '20s');
  await sandbox.close();
});

afterAll(async () => {
  await found.engine?.release();
});

async function killAndRestart(meanwhile: () => unknown = () => {}): Promise<void> {
  await dev.stop('SIGKILL');
  meanwhile();
  dev = await sandbox.dev();
}

describe('SIGKILL of river dev', () => {
  it('while processes run: none starts twice, exit codes and output are all there', async () => {
    const gate = sandbox.path('gate');
    const count = 8;
    for (let index = 0; index < count; index++) {
      const script = `echo begin >>${sandbox.path(`starts-${index}`)}; echo one; while [ ! -e ${gate} ]; do sleep 0.05; done; echo two; exit ${index}`;
      await sandbox.apply(task(`p${index}`, { command: ['sh', '-c', script], resources: { cores: 0 } }));
    }
    const names = Array.from({ length: count }, (_, index) => `task/p${index}`);
    await sandbox.ok('wait', ...names, '--for', 'phase=Running', '--timeout', '30s');
    // Half of what there is to see happens while nobody looks.
    await killAndRestart(() => sandbox.write('gate', ''));
    await eventually('all to end', 30_000, async () => {
      const { items } = await sandbox.object<{ items: Task[] }>('tasks');
      return items.every((each) => ['Succeeded', 'Failed'].includes(each.status?.phase ?? ''));
    });
    for (let index = 0; index < count; index++) {
      const runs = await sandbox.runsOf(`p${index}`);
      expect(runs.map((run) => run.status?.exitCode)).toEqual([index]);
      expect(readFileSync(sandbox.path(`starts-${index}`), 'utf8')).toBe('begin\n');
    }
    expect(await sandbox.ok('logs', 'p3')).toBe('one\ntwo\n');
  });

  it('during an apply: what was acknowledged is there, the rest is there after applying again', async () => {
    const documents = Array.from({ length: 300 }, (_, index) =>
      task(`many-${index}`, { command: ['true'], suspend: true }),
    );
    const file = sandbox.write('many.yaml', documents.map((each) => JSON.stringify(each)).join('\n---\n'));
    const apply = sandbox.start('river', ['apply', '-f', file]);
    await eventually('the first acknowledgement', 30_000, () => apply.stdout.includes('created'));
    await dev.stop('SIGKILL');
    expect(await apply.ended).toBe(3);
    const acknowledged = [...apply.stdout.matchAll(/task\.river\.dev\/(\S+) created/g)].map(
      (match) => match[1] ?? '',
    );
    dev = await sandbox.dev();
    const { items } = await sandbox.object<{ items: Task[] }>('tasks');
    const present = new Set(items.map((each) => each.metadata.name));
    expect(acknowledged.filter((name) => !present.has(name))).toEqual([]);
    const again = await sandbox.ok('apply', '-f', file);
    expect(again.match(/ (created|unchanged)$/gm)).toHaveLength(300);
    expect(again.match(/ unchanged$/gm)?.length).toBe(present.size);
  });

  it('logs -f goes on where it was', async () => {
    const gate = sandbox.path('gate');
    await sandbox.apply(
      task('followed', {
        command: ['sh', '-c', `echo one; while [ ! -e ${gate} ]; do sleep 0.05; done; echo two`],
      }),
    );
    const { port } = new URL((await sandbox.kubeconfig()).server);
    const logs = sandbox.start('river', ['logs', '-f', 'task/followed']);
    await logs.says('one');
    await dev.stop('SIGKILL');
    dev = sandbox.start('river', ['dev', '--port', port]);
    await dev.says('Ready');
    sandbox.write('gate', '');
    expect(await logs.ended).toBe(0);
    expect(logs.stdout).toBe('one\ntwo\n');
  });
});

it('SIGTERM lets go: what runs goes on and is found at the next start', async () => {
  const gate = sandbox.path('gate');
  const command = ['sh', '-c', `while [ ! -e ${gate} ]; do sleep 0.05; done; exit 4`];
  await sandbox.apply(task('kept', { command }));
  await sandbox.ok('wait', 'task/kept', '--for', 'phase=Running', '--timeout', '30s');
  expect(await dev.stop('SIGTERM')).toBe(0);
  sandbox.write('gate', '');
  dev = await sandbox.dev();
  await sandbox.ok('wait', 'task/kept', '--for', 'phase=Failed', '--timeout', '30s');
  expect((await sandbox.runsOf('kept')).map((run) => run.status?.exitCode)).toEqual([4]);
});

describe.skipIf(found.engine === undefined)('SIGKILL of river dev, with Docker', () => {
  let engine: TestEngine;

  beforeAll(() => {
    engine = found.engine as TestEngine;
  });

  it('while containers run: adopted, the same container, its exit code', async () => {
    const image = engine.image;
    const script =
      'echo one; n=0; while [ ! -e /gate/go ] && [ $n -lt 1200 ]; do sleep 0.05; n=$((n+1)); done; echo two; exit 5';
    const mounts = [`${sandbox.folder}:/gate`];
    await sandbox.apply(task('adopted', { image, command: ['sh', '-c', script], mounts }));
    await sandbox.apply(task('ended', { image, command: ['sh', '-c', script], mounts }));
    await sandbox.ok('wait', 'task/adopted', 'task/ended', '--for', 'phase=Running', '--timeout', '60s');
    await killAndRestart();
    expect((await sandbox.runsOf('adopted')).map((run) => run.status?.phase)).toEqual(['Running']);
    await killAndRestart(() => sandbox.write('go', ''));
    for (const name of ['adopted', 'ended']) {
      await sandbox.ok('wait', `task/${name}`, '--for', 'phase=Failed', '--timeout', '60s');
      const runs = await sandbox.runsOf(name);
      expect(runs.map((run) => [run.status?.phase, run.status?.exitCode])).toEqual([['Failed', 5]]);
      expect(await sandbox.ok('logs', name)).toBe('one\ntwo\n');
    }
  });
});
