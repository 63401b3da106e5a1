import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ExecutionSpec } from '../../pkg/executor/index.ts';
import { testImage } from '../env/engine.ts';
import { BrokenEngine, patiently } from './broken-engine.ts';
import { eventually, output, untilExited } from './executor-parts.ts';

const isRoot = process.getuid?.() === 0;
const broken = new BrokenEngine();
const open = () => broken.open({ answerWithinMs: 1_000 });

const said = (spec: ExecutionSpec) => (existsSync(spec.outPath) ? readFileSync(spec.outPath, 'utf8') : '');

describe.skipIf(!isRoot)('a Docker Engine that breaks', () => {
  beforeAll(() => broken.start());
  afterAll(() => broken.close());

  test('one that hangs: the probe says so, calls are given up, and what it does late starts nothing twice', async () => {
    const executor = open();
    expect(await executor.probe()).toMatchObject({ ready: true });
    const goesOn = broken.shell('echo runs; sleep 600');
    await executor.start(goesOn);
    await eventually('its output', async () => said(goesOn) === 'runs\n');
    const spec = broken.shell('echo once');
    process.kill(broken.engine.pid, 'SIGSTOP');
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
      process.kill(broken.engine.pid, 'SIGCONT');
    }
    expect(broken.counted.filter((event) => event === 'engine_unanswered').length).toBeGreaterThanOrEqual(5);
    await patiently(() => executor.start(spec));
    expect(await untilExited(executor, spec.runUid)).toMatchObject({ exitCode: 0 });
    expect(output(spec).out).toBe('once\n');
    expect(await executor.probe()).toMatchObject({ ready: true });
    expect(await executor.inspect(goesOn.runUid)).toMatchObject({ state: 'running' });
    await executor.stop(goesOn.runUid, 0);
  });

  test('an image that is removed after the preparation is looked for again, and said to be gone only then', async () => {
    const executor = open();
    const { docker } = broken;
    const image = 'river-test/short-lived:1';
    await docker.getImage(testImage).tag({ repo: 'river-test/short-lived', tag: '1' });
    const spec = broken.shell('echo once', { image });
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
    const [runs, paused] = [broken.shell('echo runs; sleep 600'), broken.shell('echo runs; sleep 600')];
    for (const spec of [runs, paused]) {
      await executor.start(spec);
      await eventually('its output', async () => said(spec) === 'runs\n');
    }
    await executor.pause(paused.runUid);
    expect(await executor.inspect(paused.runUid)).toMatchObject({ state: 'paused' });
    await broken.restart(async () => {
      expect(await executor.probe()).toMatchObject({ ready: false, reason: 'EngineUnreachable' });
    });
    for (const spec of [runs, paused]) {
      const ended = await untilExited(executor, spec.runUid);
      expect(ended.note).toContain('an engine that starts again ends what it ran');
      expect(output(spec).out).toBe('runs\n');
      expect((await broken.container(spec).inspect()).State.Running).toBe(false);
    }
    expect(broken.counted).toContain('engine_lost');
  });
});
