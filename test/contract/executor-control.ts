import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  cpusOf,
  eventually,
  output,
  seenComputing,
  untilExited,
  usable,
} from '../integration/executor-parts.ts';
import type { ExecutorTrial } from './executor-trial.ts';

const deaf = 'trap "" TERM; echo up; while :; do sleep 0.05; done';
/** One that is waited for, and one in a session of its own. */
const tree = 'sh -c "sleep 1000 & sleep 1000; true" & setsid sh -c "sleep 1000; true" & echo up; wait; wait';

/** What ends it, halts it, or moves it. */
export function stopTests(trial: ExecutorTrial): void {
  const executor = trial.open();

  test('a tree of processes ends by SIGTERM, one in a session of its own too', async () => {
    const spec = trial.shell(tree);
    await trial.start(executor, spec);
    await trial.says(spec, 'up');
    await eventually('all of it', async () => trial.processes(spec).length >= 6);
    await executor.stop(spec.runUid, 20_000);
    expect(await untilExited(executor, spec.runUid)).toMatchObject({ signal: 'SIGTERM' });
    expect(trial.processes(spec)).toEqual([]);
    await executor.stop(spec.runUid, 0);
  });

  test('what ignores that is killed after the grace period, and is not removed before', async () => {
    const spec = trial.shell(`setsid sh -c '${deaf}' & ${deaf}`);
    await trial.start(executor, spec);
    await trial.says(spec, 'up\nup\n');
    await expect(executor.remove(spec.runUid)).rejects.toMatchObject({ code: 'Conflict' });
    await executor.stop(spec.runUid, 300);
    expect(await untilExited(executor, spec.runUid)).toMatchObject({ signal: 'SIGKILL' });
    expect(trial.processes(spec)).toEqual([]);
    await executor.remove(spec.runUid);
  });

  test('one that ends well keeps its exit code', async () => {
    const spec = trial.shell('trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done');
    await trial.start(executor, spec);
    await trial.says(spec, 'up');
    await executor.stop(spec.runUid, 20_000);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'exited', exitCode: 7 });
    expect(output(spec).out).toBe('up\nbye\n');
  });

  test('what halted itself is ended too', async () => {
    const spec = trial.shell('echo up; kill -STOP $$; sleep 1000');
    await trial.start(executor, spec);
    await trial.says(spec, 'up');
    await executor.stop(spec.runUid, 20_000);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'exited', signal: 'SIGTERM' });
  });
}

/** Two processes that write for ever, one in a session of its own, beside the one that waits for them. */
const writers =
  'while :; do echo first; sleep 0.01; done & setsid sh -c "while :; do echo second; sleep 0.01; done" & wait; wait';

export function pauseTests(trial: ExecutorTrial): void {
  const bothWrite = async (spec: ReturnType<typeof trial.spec>, since: number) => {
    await trial.says(spec, 'first', since);
    await trial.says(spec, 'second', since);
  };

  test('halts everything, outlives the runner, and ends', async () => {
    const executor = trial.open();
    const spec = trial.shell(writers);
    await trial.start(executor, spec);
    await bothWrite(spec, 0);
    await executor.pause(spec.runUid);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'paused' });
    await executor.pause(spec.runUid);
    const before = trial.ticks(spec);
    expect(Object.keys(before).length).toBeGreaterThanOrEqual(3);
    // While another one lives and ends.
    const other = trial.shell('sleep 0.1');
    await trial.finish(executor, other);
    await executor.remove(other.runUid);
    expect(trial.ticks(spec)).toEqual(before);
    await executor.close();

    const later = trial.open();
    expect((await later.list()).find(({ runUid }) => runUid === spec.runUid)?.state).toBe('paused');
    await later.adopt(spec);
    const size = trial.written(spec).length;
    await later.resume(spec.runUid);
    await later.resume(spec.runUid);
    expect(await later.inspect(spec.runUid)).toMatchObject({ state: 'running' });
    await bothWrite(spec, size);
    await later.stop(spec.runUid, 0);
    await later.remove(spec.runUid);
  });

  test('a stop ends what is paused: by SIGTERM, and by SIGKILL what ignores that', async () => {
    const executor = trial.open();
    const polite = trial.shell('trap "exit 5" TERM; echo up; while :; do sleep 0.01; done');
    const rude = trial.shell(deaf);
    for (const spec of [polite, rude]) {
      await trial.start(executor, spec);
      await trial.says(spec, 'up');
      await executor.pause(spec.runUid);
    }
    await executor.stop(polite.runUid, 20_000);
    expect(await executor.inspect(polite.runUid)).toMatchObject({ state: 'exited', exitCode: 5 });
    await executor.stop(rude.runUid, 100);
    expect(await executor.inspect(rude.runUid)).toMatchObject({ state: 'exited', signal: 'SIGKILL' });
  });

  test('what has ended is left alone', async () => {
    const executor = trial.open();
    const spec = trial.shell('true');
    await trial.finish(executor, spec);
    await executor.pause(spec.runUid);
    await executor.resume(spec.runUid);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'exited', exitCode: 0 });
  });
}

export function figureTests(trial: ExecutorTrial): void {
  const executor = trial.open();
  const isLimited = trial.setting.kind !== 'plain';

  test('what it uses is seen while it runs, and not any more when it is removed', async () => {
    const spec = trial.shell('while :; do :; done', { milliCores: 500 });
    await trial.start(executor, spec);
    await seenComputing(executor, spec.runUid, isLimited ? 0.5 : 1);
    await executor.stop(spec.runUid, 0);
    await executor.remove(spec.runUid);
    expect(await executor.usage([spec.runUid])).toEqual(new Map());
  });

  test('the CPU time of all its processes is known after the end', async () => {
    const busy = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done';
    const ended = await trial.finish(executor, trial.shell(`sh -c '${busy}' & wait`));
    expect(ended.usage?.cpuSeconds).toBeGreaterThan(0.05);
    const idle = await trial.finish(executor, trial.shell('true'));
    expect(idle.usage?.cpuSeconds).toBeLessThan(ended.usage?.cpuSeconds ?? 0);
  });
}

export function cpuTests(trial: ExecutorTrial): void {
  const executor = trial.open();
  const { all, cpus: first, other: second } = usable();
  const of = (spec: ReturnType<typeof trial.spec>) => [...new Set(trial.processes(spec).map(cpusOf))];

  test('it begins on those that it was given', async () => {
    const spec = trial.shell('echo up; sleep 1000; true', { cpus: first });
    await trial.start(executor, spec);
    await trial.says(spec, 'up');
    expect(of(spec)).toEqual([first]);
    expect((await executor.inspect(spec.runUid))?.observed?.cpus).toBe(first);
    await executor.stop(spec.runUid, 0);
    expect((await executor.inspect(spec.runUid))?.observed).toBeUndefined();
  });

  describe.skipIf(second === '')('on a machine with more than one', () => {
    test('all of it is moved off a CPU, paused or not, and back by another runner', async () => {
      const spec = trial.shell('sleep 1000 & echo up; wait');
      await trial.start(executor, spec);
      await trial.says(spec, 'up');
      await executor.confine(spec.runUid, first);
      expect(of(spec)).toEqual([first]);
      await executor.pause(spec.runUid);
      await executor.confine(spec.runUid, second);
      expect(of(spec)).toEqual([second]);
      await executor.resume(spec.runUid);
      await trial.open().confine(spec.runUid, all);
      expect(of(spec)).toEqual([all]);
      await executor.stop(spec.runUid, 0);
      await executor.confine(spec.runUid, first);
      await executor.remove(spec.runUid);
    });

    test('it begins on CPUs that nobody has pinned', async () => {
      const spec = trial.shell('echo up; sleep 1000; true', { sharedCpus: second });
      await trial.start(executor, spec);
      await trial.says(spec, 'up');
      expect(of(spec)).toEqual([second]);
      await executor.stop(spec.runUid, 0);
      expect(existsSync(spec.outPath)).toBe(true);
    });
  });
}
