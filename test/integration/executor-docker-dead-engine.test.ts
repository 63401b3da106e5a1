import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Execution, ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import { withEngine } from '../env/engine.ts';
import { BrokenEngine, patiently } from './broken-engine.ts';
import { eventually, output, untilExited } from './executor-parts.ts';

// Asked only whether one can be started here: the one that is killed is another.
const found = await withEngine();
await found.engine?.release();
/** Programs go on without it. */
const broken = new BrokenEngine(['--live-restore']);

/** Prints half a line, and the rest when the file `name` is there. */
const halfLine = (name: string) =>
  broken.shell(
    `printf half; while [ ! -e ${broken.folder}/${name} ]; do sleep 0.02; done; echo ' a line'; exit 3`,
  );

const go = (name: string) => writeFileSync(join(broken.folder, name), '');

async function endOf(executor: Executor, spec: ExecutionSpec): Promise<Execution> {
  await patiently(() => executor.adopt(spec));
  const end = await untilExited(executor, spec.runUid);
  await executor.remove(spec.runUid);
  return end;
}

describe.skipIf(found.engine === undefined)('an engine that is killed', () => {
  beforeAll(() => broken.start());
  afterEach(() => broken.closeExecutors());
  afterAll(() => broken.close());

  test('while it starts a program: that is ended, and not started a second time; a stop reaches it, too', async () => {
    const before = broken.open();
    const [again, stopped] = [broken.shell('sleep 1000'), broken.shell('sleep 1000')];
    for (const spec of [again, stopped]) await broken.run(before, spec);
    await broken.closeExecutors();
    await broken.forgetStarts([again, stopped]);
    const after = broken.open();
    expect(await after.inspect(again.runUid)).toMatchObject({ state: 'created' });
    await Promise.all([
      ...[after, broken.open()].map(async (executor) =>
        expect(await patiently(() => executor.start(again))).toMatchObject({
          state: 'exited',
          startError: { reason: 'StartUnknown' },
        }),
      ),
      patiently(() => after.stop(stopped.runUid, 1000)),
    ]);
    expect(broken.timesStarted(again)).toBe(1);
    expect(await after.inspect(stopped.runUid)).toBeUndefined();
    for (const spec of [again, stopped]) {
      expect(await broken.programs(spec)).toEqual([]);
      await after.remove(spec.runUid);
    }
  });

  test('what ended without it: the exit code, and that output may be missing, also for the next runner', async () => {
    const before = broken.open();
    const spec = halfLine('go-without');
    await broken.run(before, spec);
    await broken.restart(async () => {
      await eventually('the runner to notice', async () => !(await before.probe()).ready);
      go('go-without');
      await broken.closeExecutors();
      await eventually('the end', async () => (await broken.programs(spec)).length === 0);
    });
    const end = await endOf(broken.open(), spec);
    expect(end).toMatchObject({ exitCode: 3, note: expect.stringContaining('output may be missing') });
  });

  test('what it has read and not written is lost in the middle of the output: the end says so', async () => {
    const seeing = broken.open();
    const [seen, unseen] = [halfLine('go-on'), halfLine('go-on')];
    for (const spec of [seen, unseen]) await broken.run(seeing, spec);
    const isBack = new Promise<void>((resolve) => {
      seeing.onChange((runUid) => runUid === undefined && resolve());
    });
    await broken.restart();
    await isBack;
    go('go-on');
    const end = await endOf(seeing, seen);
    expect(output(seen).out).toBe(' a line\n');
    expect(end).toMatchObject({ exitCode: 3, note: expect.stringContaining('for a time while it ran') });
    await broken.closeExecutors();
    expect((await endOf(broken.open(), unseen)).note).toContain('for a time while it ran');
  });

  test('and where no runner looked, the next one says that it may have been', async () => {
    const before = broken.open();
    const spec = halfLine('go-unseen');
    await broken.run(before, spec);
    await broken.closeExecutors();
    await broken.restart();
    go('go-unseen');
    const end = await endOf(broken.open(), spec);
    expect(end).toMatchObject({ exitCode: 3, note: expect.stringContaining('may have been away') });
  });

  test('nothing is said of what ran while it lived, whichever runner looks', async () => {
    const before = broken.open();
    const spec = halfLine('go-whole');
    await broken.run(before, spec);
    await broken.closeExecutors();
    go('go-whole');
    await eventually('the end', async () => (await broken.programs(spec)).length === 0);
    expect((await endOf(broken.open(), spec)).note).toBeUndefined();
    expect(output(spec).out).toBe('half a line\n');
    expect(existsSync(spec.outPath)).toBe(true);
  });
});
