import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RiverError, realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { containerName, dockerExecutor } from '../../pkg/executor/docker/index.ts';
import { ParentGroups } from '../../pkg/executor/docker/parent-group.ts';
import type { ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import {
  killEngine,
  makeTestImage,
  type OwnEngine,
  startEngine,
  startEngineIn,
  stopEngine,
  testImage,
  withEngine,
} from '../env/engine.ts';
import { eventually, makeSpec, output, temporaryFolder, untilExited } from './executor-parts.ts';

// Asked only whether one can be started here: the one that is killed is another.
const found = await withEngine();
await found.engine?.release();
/** Programs go on without it. */
const engineArguments = ['--live-restore'];
const folder = temporaryFolder();
const clusterUid = realRng.uuid();
const opened: Executor[] = [];
let engine: OwnEngine;
let count = 0;

function open(): Executor {
  const executor = dockerExecutor({
    socketPath: engine.socketPath,
    stateDir: join(folder.path, 'docker'),
    ...{ clusterUid, clock: realClock, rng: realRng, logger: silentLogger },
    bootId: () => 'this-boot',
    isRoot: true,
  });
  opened.push(executor);
  return executor;
}

const starts = join(folder.path, 'starts');

/** Asks again, as a runner does, what may be refused for a moment. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  let answer: { of: T } | undefined;
  await eventually('an answer', async () => {
    answer = await ask().then(
      (of) => ({ of }),
      (error: unknown) => {
        if (error instanceof RiverError && error.transient) return undefined;
        throw error;
      },
    );
    return answer !== undefined;
  });
  return (answer as { of: T }).of;
}

/** Notes each start in a file of the machine. */
function shell(text: string): ExecutionSpec {
  const runUid = `dead-${count++}`;
  return makeSpec(folder.path, runUid, {
    ...{ clusterUid, runtime: 'docker', image: testImage },
    command: ['/bin/sh', '-c', `echo ${runUid} >>${starts}; ${text}`],
    mounts: [{ source: folder.path, target: folder.path, readOnly: false }],
  });
}

const timesStarted = ({ runUid }: ExecutionSpec) =>
  (existsSync(starts) ? readFileSync(starts, 'utf8') : '').split('\n').filter((line) => line === runUid)
    .length;

async function restartEngine(meanwhile: () => void | Promise<void> = () => {}): Promise<void> {
  await killEngine(engine);
  await meanwhile();
  engine = await startEngineIn(engine.folder, engineArguments);
}

/** What an engine finds in its files that was killed after it had started a program, and before it had noted that. */
async function forgetStart(spec: ExecutionSpec): Promise<void> {
  const docker = new Docker({ socketPath: engine.socketPath });
  const { Id } = await docker.getContainer(containerName(clusterUid, spec.runUid)).inspect();
  await restartEngine(() => {
    const file = join(engine.folder, 'data/containers', Id, 'config.v2.json');
    const config = JSON.parse(readFileSync(file, 'utf8'));
    const never = '0001-01-01T00:00:00Z';
    config.State = { ...config.State, Running: false, Pid: 0, StartedAt: never, FinishedAt: never };
    config.HasBeenStartedBefore = false;
    writeFileSync(file, JSON.stringify(config));
  });
}

describe.skipIf(found.engine === undefined)('an engine that is killed', () => {
  beforeAll(async () => {
    engine = await startEngine(engineArguments);
    await makeTestImage(engine.socketPath);
  });

  afterAll(async () => {
    for (const executor of opened) await executor.close();
    await stopEngine(engine);
    folder.remove();
  });

  test('while it starts a program: that is ended, and not started a second time', async () => {
    const before = open();
    const spec = shell('sleep 1000');
    await before.start(spec);
    await eventually('the start', async () => timesStarted(spec) === 1);
    await before.close();
    await forgetStart(spec);
    const after = open();
    expect(await after.inspect(spec.runUid)).toMatchObject({ state: 'created' });
    for (const executor of [after, open()])
      expect(await patiently(() => executor.start(spec))).toMatchObject({
        state: 'exited',
        startError: { reason: 'StartUnknown' },
      });
    expect(timesStarted(spec)).toBe(1);
    expect(await programs(spec)).toEqual([]);
    await after.remove(spec.runUid);
  });

  test('a stop reaches a program whose start the engine has forgotten', async () => {
    const before = open();
    const spec = shell('sleep 1000');
    await before.start(spec);
    await eventually('the start', async () => timesStarted(spec) === 1);
    await before.close();
    await forgetStart(spec);
    const after = open();
    await patiently(() => after.stop(spec.runUid, 1000));
    expect(await after.inspect(spec.runUid)).toBeUndefined();
    expect(await programs(spec)).toEqual([]);
    await after.remove(spec.runUid);
  });

  test('what ended without it: the exit code, and that output may be missing, also for the next runner', async () => {
    const before = open();
    const spec = shell(`while [ ! -e ${folder.path}/go ]; do sleep 0.02; done; echo late; exit 3`);
    await before.start(spec);
    await eventually('the start', async () => timesStarted(spec) === 1);
    await restartEngine(async () => {
      await eventually('the runner to notice', async () => !(await before.probe()).ready);
      writeFileSync(join(folder.path, 'go'), '');
      await before.close();
      await eventually('the end', async () => (await programs(spec)).length === 0);
    });
    const after = open();
    await after.adopt(spec);
    expect(await untilExited(after, spec.runUid)).toMatchObject({
      exitCode: 3,
      note: expect.stringContaining('may be missing'),
    });
    expect('late\n'.startsWith(output(spec).out)).toBe(true);
    await after.remove(spec.runUid);
  });
});

/** Of this run's control group, as the kernel shows them. */
async function programs({ runUid }: ExecutionSpec): Promise<string[]> {
  const version = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1;
  const groups = new ParentGroups({ root: '/sys/fs/cgroup', clusterUid, driver: 'cgroupfs', version });
  return ((await groups.members(runUid)) ?? []).map(String);
}
