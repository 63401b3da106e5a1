import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { dockerExecutor } from '../../pkg/executor/docker/index.ts';
import type { ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import { processExecutor } from '../../pkg/executor/process/index.ts';
import { withEngine } from '../env/engine.ts';
import { eventually, makeSpec, temporaryFolder, untilExited } from './executor-parts.ts';

const { engine } = await withEngine();
const folder = temporaryFolder();
const clusterUid = realRng.uuid();
const isRoot = process.getuid?.() === 0;
const opened: Executor[] = [];

const shared = { clusterUid, clock: realClock, logger: silentLogger, bootId: () => 'this-boot' };
const baseEnv = { PATH: '/usr/bin:/bin' };
const makers: Record<string, () => Executor> = {
  'process in control groups': () =>
    processExecutor({ ...shared, baseEnv, stateDir: join(folder.path, 'groups') }),
  // Like a machine without control groups.
  'process by signals': () =>
    processExecutor({ ...shared, baseEnv, stateDir: join(folder.path, 'plain'), cgroupRoot: '/nowhere' }),
  docker: () =>
    dockerExecutor({
      ...{ ...shared, rng: realRng, isRoot, count: () => {}, stateDir: join(folder.path, 'docker') },
      socketPath: engine?.socketPath ?? '',
    }),
};

function open(kind: string): Executor {
  const executor = makers[kind]?.() as Executor;
  opened.push(executor);
  return executor;
}

let count = 0;
function shell(kind: string, text: string): ExecutionSpec {
  const docker = kind === 'docker' ? { runtime: 'docker' as const, image: engine?.image } : {};
  return makeSpec(folder.path, `u${count++}`, { clusterUid, command: ['/bin/sh', '-c', text], ...docker });
}

const written = (spec: ExecutionSpec) => (existsSync(spec.outPath) ? readFileSync(spec.outPath, 'utf8') : '');

/** Two processes that write for ever, beside the one that waits for them. */
const writers =
  'write() { while :; do echo $1; sleep 0.01; done; }; echo $$; write first & write second & wait';

function untilBothWrite(spec: ExecutionSpec, since: number) {
  return eventually('both write', async () => {
    const text = written(spec).slice(since);
    return text.includes('first') && text.includes('second');
  });
}

/** Time on a CPU of everything that writes to the run's file. */
function ticks(spec: ExecutionSpec): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && targetOf(name) === spec.outPath)
    .map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1] ?? '')
    .map((stat) => stat.split(' ').slice(11, 13).join(' '));
}

function targetOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/fd/1`);
  } catch {
    return '';
  }
}

const isLeftOut = (kind: string) =>
  (kind === 'docker' && engine === undefined) || (kind === 'process in control groups' && !isRoot);

afterAll(async () => {
  for (const kind of Object.keys(makers).filter((each) => !isLeftOut(each))) {
    const executor = open(kind);
    for (const { runUid } of await executor.list()) {
      await executor.stop(runUid, 0);
      await executor.remove(runUid);
    }
  }
  for (const executor of opened) await executor.close();
  for (const hierarchy of ['memory', 'cpuacct', 'cpu', 'freezer', 'unified', '']) {
    expect(existsSync(join('/sys/fs/cgroup', hierarchy, `river-${clusterUid.slice(0, 12)}`))).toBe(false);
  }
  await engine?.release();
  folder.remove();
});

describe.each(Object.keys(makers))('a pause: %s', (kind) => {
  test.skipIf(isLeftOut(kind))('halts everything, outlives the runner, and ends', async () => {
    const executor = open(kind);
    const spec = shell(kind, writers);
    await executor.start(spec);
    await untilBothWrite(spec, 0);
    await executor.pause(spec.runUid);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'paused' });
    await executor.pause(spec.runUid);
    const before = ticks(spec);
    const processes = kind === 'docker' ? 0 : 3;
    expect(before.length).toBeGreaterThanOrEqual(processes);
    // While another one lives and ends.
    const other = shell(kind, 'sleep 0.1');
    await executor.start(other);
    await untilExited(executor, other.runUid);
    await executor.remove(other.runUid);
    expect(ticks(spec)).toEqual(before);
    await executor.close();

    const later = open(kind);
    expect((await later.list()).find(({ runUid }) => runUid === spec.runUid)?.state).toBe('paused');
    await later.adopt(spec);
    const size = written(spec).length;
    await later.resume(spec.runUid);
    await later.resume(spec.runUid);
    expect(await later.inspect(spec.runUid)).toMatchObject({ state: 'running' });
    await untilBothWrite(spec, size);
    await later.stop(spec.runUid, 0);
    await later.remove(spec.runUid);
  });

  test.skipIf(isLeftOut(kind))(
    'a stop ends what is paused: by SIGTERM, and by SIGKILL what ignores that',
    async () => {
      const executor = open(kind);
      const polite = shell(kind, 'trap "exit 5" TERM; echo ready; while :; do sleep 0.01; done');
      const rude = shell(kind, 'trap "" TERM; echo ready; while :; do sleep 0.01; done');
      for (const spec of [polite, rude]) {
        await executor.start(spec);
        await eventually('ready', async () => written(spec).includes('ready'));
        await executor.pause(spec.runUid);
      }
      await executor.stop(polite.runUid, 20_000);
      expect(await executor.inspect(polite.runUid)).toMatchObject({ state: 'exited', exitCode: 5 });
      await executor.stop(rude.runUid, 100);
      expect(await executor.inspect(rude.runUid)).toMatchObject({ state: 'exited', signal: 'SIGKILL' });
      for (const spec of [polite, rude]) await executor.remove(spec.runUid);
    },
  );

  test.skipIf(isLeftOut(kind))('what does not run is left alone', async () => {
    const executor = open(kind);
    await executor.pause('never-was');
    await executor.resume('never-was');
    const spec = shell(kind, 'true');
    await executor.start(spec);
    await untilExited(executor, spec.runUid);
    await executor.pause(spec.runUid);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'exited', exitCode: 0 });
    await executor.remove(spec.runUid);
  });
});
