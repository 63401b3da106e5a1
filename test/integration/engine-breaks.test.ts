import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { RiverError, realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { containerName, dockerExecutor } from '../../pkg/executor/docker/index.ts';
import type { ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import {
  makeTestImage,
  type OwnEngine,
  startEngine,
  startEngineIn,
  stopEngine,
  testImage,
} from '../env/engine.ts';
import { eventually, makeSpec, output, temporaryFolder, untilExited } from './executor-parts.ts';

const isRoot = process.getuid?.() === 0;
const folder = temporaryFolder();
const clusterUid = realRng.uuid();
const opened: Executor[] = [];
let engine: OwnEngine;

function open(): Executor {
  const executor = dockerExecutor({
    ...{ socketPath: engine.socketPath, stateDir: join(folder.path, 'docker'), clusterUid },
    ...{ clock: realClock, rng: realRng, logger: silentLogger, isRoot, bootId: () => 'this-boot' },
    answerWithinMs: 1_000,
  });
  opened.push(executor);
  return executor;
}

let count = 0;
const shell = (text: string, more: Partial<ExecutionSpec> = {}) =>
  makeSpec(folder.path, `b${count++}`, {
    ...{ clusterUid, runtime: 'docker', image: testImage, command: ['/bin/sh', '-c', text] },
    ...more,
  });

const said = (spec: ExecutionSpec) => (existsSync(spec.outPath) ? readFileSync(spec.outPath, 'utf8') : '');

/** As a runner does: what fails for the moment is asked for again. */
async function startUntilAnswered(executor: Executor, spec: ExecutionSpec): Promise<void> {
  await eventually('a start that is answered', () =>
    executor.start(spec).then(
      () => true,
      (error: unknown) => {
        if (error instanceof RiverError && error.transient) return false;
        throw error;
      },
    ),
  );
}

describe.skipIf(!isRoot)('a Docker Engine that breaks', () => {
  beforeAll(async () => {
    engine = await startEngine();
    await makeTestImage(engine.socketPath);
  });

  afterAll(async () => {
    for (const executor of opened) await executor.close();
    await stopEngine(engine);
    folder.remove();
  });

  test('one that hangs: the probe says so, calls are given up, and what it does late starts nothing twice', async () => {
    const executor = open();
    expect(await executor.probe()).toMatchObject({ ready: true });
    const goesOn = shell('echo runs; sleep 600');
    await executor.start(goesOn);
    await eventually('its output', async () => said(goesOn) === 'runs\n');
    const spec = shell('echo once');
    process.kill(engine.pid, 'SIGSTOP');
    try {
      expect(await executor.probe()).toMatchObject({ ready: false, reason: 'EngineHangs' });
      expect(await open().probe()).toMatchObject({ ready: false, reason: 'EngineHangs' });
      const calls = [
        () => executor.start(spec),
        () => executor.inspect(goesOn.runUid),
        () => executor.list(),
      ];
      for (const call of calls)
        await expect(call()).rejects.toMatchObject({ code: 'ServiceUnavailable', transient: true });
    } finally {
      process.kill(engine.pid, 'SIGCONT');
    }
    await startUntilAnswered(executor, spec);
    expect(await untilExited(executor, spec.runUid)).toMatchObject({ exitCode: 0 });
    expect(output(spec).out).toBe('once\n');
    expect(await executor.probe()).toMatchObject({ ready: true });
    expect(await executor.inspect(goesOn.runUid)).toMatchObject({ state: 'running' });
    await executor.stop(goesOn.runUid, 0);
  });

  test('an image that is removed after the preparation is looked for again, and said to be gone only then', async () => {
    const executor = open();
    const docker = new Docker({ socketPath: engine.socketPath });
    const image = 'river-test/short-lived:1';
    await docker.getImage(testImage).tag({ repo: 'river-test/short-lived', tag: '1' });
    const spec = shell('echo once', { image });
    await executor.prepare(spec, new AbortController().signal);
    await docker.getImage(image).remove();
    await expect(executor.start(spec)).rejects.toMatchObject({
      transient: true,
      details: { causes: [{ reason: 'ImageGone' }] },
    });
    await docker.getImage(testImage).tag({ repo: 'river-test/short-lived', tag: '1' });
    await executor.prepare(spec, new AbortController().signal);
    await executor.start(spec);
    expect(await untilExited(executor, spec.runUid)).toMatchObject({ exitCode: 0 });
  });

  test('one that is killed and started again takes what runs and what is paused along, and the end says so', async () => {
    const executor = open();
    const [runs, paused] = [shell('echo runs; sleep 600'), shell('echo runs; sleep 600')];
    for (const spec of [runs, paused]) {
      await executor.start(spec);
      await eventually('its output', async () => said(spec) === 'runs\n');
    }
    await executor.pause(paused.runUid);
    expect(await executor.inspect(paused.runUid)).toMatchObject({ state: 'paused' });
    process.kill(engine.pid, 'SIGKILL');
    await eventually('its end', async () => !existsSync(`/proc/${engine.pid}`));
    expect(await executor.probe()).toMatchObject({ ready: false, reason: 'EngineUnreachable' });
    engine = await startEngineIn(engine.folder);
    for (const spec of [runs, paused]) {
      const ended = await untilExited(executor, spec.runUid);
      expect(ended.note).toContain('an engine that starts again ends what it ran');
      expect(output(spec).out).toBe('runs\n');
      const container = new Docker({ socketPath: engine.socketPath }).getContainer(
        containerName(clusterUid, spec.runUid),
      );
      expect((await container.inspect()).State.Running).toBe(false);
    }
  });
});
