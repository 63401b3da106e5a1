import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { output } from '../integration/executor-parts.ts';
import type { ExecutorTrial } from './executor-trial.ts';

/** How programs end, and what is left of them. */
export function endTests(trial: ExecutorTrial): void {
  const executor = trial.open();

  test.each([
    ['exit 0', { exitCode: 0 }],
    ['exit 3', { exitCode: 3 }],
    ['exit 127', { exitCode: 127 }],
    ['exit 255', { exitCode: 255 }],
    ['kill -KILL $$', { signal: 'SIGKILL' }],
    ['kill -SEGV $$', { signal: 'SIGSEGV' }],
  ])('%s; then it is removed, and nothing of it stays', async (text, expected) => {
    const spec = trial.shell(text);
    const { runUid, namespace, runName } = spec;
    const ended = await trial.finish(executor, spec);
    expect(ended).toMatchObject({ state: 'exited', runUid, namespace, runName, ...expected });
    expect('exitCode' in ended && 'signal' in ended).toBe(false);
    expect([ended.oomKilled, ended.startError, ended.unknownEnd]).toEqual([undefined, undefined, undefined]);
    expect(ended.finishedAt).toBeGreaterThanOrEqual(ended.startedAt ?? Number.POSITIVE_INFINITY);
    expect(await executor.inspect(runUid)).toEqual(ended);
    await executor.remove(runUid);
    expect(await executor.inspect(runUid)).toBeUndefined();
    expect((await executor.list()).map((each) => each.runUid)).not.toContain(runUid);
    await executor.remove(runUid);
  });

  test('a program that is not there', async () => {
    const ended = await trial.finish(executor, trial.spec({ command: ['nosuch-program'] }));
    expect(ended).toMatchObject({ state: 'exited', startError: { reason: 'CommandNotFound' } });
    expect(ended.startError?.message).toContain('nosuch-program');
    expect('exitCode' in ended || 'signal' in ended).toBe(false);
  });

  test('arguments and variables reach it as they are, a script by its #! line', async () => {
    const spec = trial.spec({
      script: '#!/bin/sh\nprintf "<%s>" "$@" "$KEY"\n',
      args: ['a b', '$(id)', '', '*', "'", '$HOME $$', 'two\nlines', '"'],
      env: { KEY: 's3cr3t\n$HOME \'"`\\ ä' },
    });
    expect(await trial.finish(executor, spec)).toMatchObject({ exitCode: 0 });
    expect(output(spec).out).toBe([...(spec.args ?? []), spec.env.KEY].map((text) => `<${text}>`).join(''));
  });

  test('its output is every byte that it has written, both streams apart', async () => {
    const bytes = 'i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %o $i)"; i=$((i + 1)); done';
    const spec = trial.shell(`${bytes}; seq 1 50000; seq 1 20000 >&2; printf last`);
    await trial.finish(executor, spec);
    const out = readFileSync(spec.outPath);
    expect([...out.subarray(0, 256)]).toEqual(Array.from({ length: 256 }, (_, byte) => byte));
    expect([out.length, out.subarray(-4).toString()]).toEqual([256 + 288_894 + 4, 'last']);
    expect(output(spec).err.length).toBe(108_894);
  });

  test('what it leaves in the background goes with it, at the latest when it is removed', async () => {
    const spec = trial.shell('sleep 1000 & sleep 1000 & exit 4');
    expect(await trial.finish(executor, spec)).toMatchObject({ exitCode: 4 });
    await executor.remove(spec.runUid);
    expect(trial.processes(spec)).toEqual([]);
  });

  test('what was never there is no error', async () => {
    const gone = 'never-was';
    expect(await executor.inspect(gone)).toBeUndefined();
    expect(await executor.usage([gone])).toEqual(new Map());
    await executor.pause(gone);
    await executor.resume(gone);
    await executor.confine(gone, '0');
    await executor.stop(gone, 0);
    await executor.remove(gone);
    expect(await executor.inspect(gone)).toBeUndefined();
  });
}
