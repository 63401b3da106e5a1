import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realClock, realRng, sleep } from '../../pkg/base/index.ts';
import type { Executor } from '../../pkg/executor/index.ts';
import { eventually, output, untilExited } from '../integration/executor-parts.ts';
import type { ExecutorTrial } from './executor-trial.ts';

/** How often a runner is killed, and how long after it was ready at the latest: from before the record to after the end. */
const kills = { process: [25, 15], plain: [10, 15], systemd: [15, 60], docker: [8, 200] } as const;

/** That nothing is started twice, and no end is lost, whatever dies. */
export function startTests(trial: ExecutorTrial): void {
  const { kind, folder } = trial.setting;

  test('many starts at the same time, from two runners where there can be two, and one after the end', async () => {
    const one = trial.open();
    // What a container writes is collected by its runner: by one at a time, unlike files that it writes itself.
    const executors = [one, kind === 'docker' ? one : trial.open()] as const;
    const spec = trial.shell('echo once; sleep 0.2');
    const started = Array.from({ length: 10 }, (_, index) =>
      trial.start(executors[index % 2] as Executor, spec),
    );
    for (const { state } of await Promise.all(started)) expect(['running', 'exited']).toContain(state);
    await Promise.all(executors.map((executor) => untilExited(executor, spec.runUid)));
    for (const executor of executors)
      expect(await executor.start(spec)).toMatchObject({ state: 'exited', exitCode: 0 });
    expect(output(spec).out).toBe('once\n');
  });

  test('the runner is killed at any moment around the start', async () => {
    const [rounds, withinMs] = kills[kind];
    for (let round = 0; round < rounds; round++) {
      const spec = trial.shell('echo once; sleep 0.02; exit 5');
      const child = trial.child(spec);
      await once(child.stdout ?? child, 'data');
      // Where it hits is what the test is about.
      await sleep(realClock, realRng.next() * withinMs);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const executor = trial.open();
      expect(await trial.finish(executor, spec)).toMatchObject({ exitCode: 5 });
      expect(output(spec).out).toBe('once\n');
      await executor.remove(spec.runUid);
      await executor.close();
    }
  });

  test('one that ended while no runner was there: the next one finds its end, and all of its output once', async () => {
    const sign = join(folder, `${kind}-go`);
    const spec = trial.shell(
      `echo first; echo oops >&2; while [ ! -e ${sign} ]; do sleep 0.02; done; seq 1 5000; exit 4`,
    );
    const before = trial.open();
    await trial.start(before, spec);
    await trial.says(spec, 'first');
    await before.close();
    const [pid = 0] = trial.processes(spec);
    writeFileSync(sign, '');
    await eventually('its end', async () => !trial.processes(spec).includes(pid));
    const after = trial.open();
    expect((await after.list()).map(({ runUid }) => runUid)).toContain(spec.runUid);
    await after.adopt(spec);
    expect(await untilExited(after, spec.runUid)).toMatchObject({ exitCode: 4 });
    const numbers = Array.from({ length: 5000 }, (_, index) => `${index + 1}\n`).join('');
    expect(output(spec)).toEqual({ out: `first\n${numbers}`, err: 'oops\n' });
  });

  test('one that runs on is adopted: its end is told', async () => {
    const sign = join(folder, `${kind}-adopted`);
    const spec = trial.shell(`echo up; while [ ! -e ${sign} ]; do sleep 0.02; done; exit 9`);
    const before = trial.open();
    await trial.start(before, spec);
    await before.close();
    const after = trial.open();
    await after.adopt(spec);
    expect(await after.inspect(spec.runUid)).toMatchObject({ state: 'running' });
    const ended = untilExited(after, spec.runUid);
    writeFileSync(sign, '');
    expect(await ended).toMatchObject({ exitCode: 9 });
    expect(output(spec).out).toBe('up\n');
  });

  test('another boot: what had ended keeps its code; what ran then is over, and is not started again', async () => {
    const before = trial.open('first');
    const ended = trial.shell('exit 3');
    await trial.finish(before, ended);
    // An engine gives this code to what it finds dead when it comes up; all others find no record of an end.
    const cut = trial.shell(kind === 'docker' ? 'echo once; exit 255' : 'echo once; sleep 1000');
    await trial.start(before, cut);
    await trial.says(cut, 'once');
    if (kind === 'docker') await untilExited(before, cut.runUid);
    const after = trial.open('second');
    expect(await untilExited(after, ended.runUid)).toMatchObject({ exitCode: 3 });
    expect(await untilExited(after, cut.runUid)).toMatchObject({ unknownEnd: 'NodeRestarted' });
    expect(await after.start(cut)).toMatchObject({ state: 'exited', unknownEnd: 'NodeRestarted' });
    expect(output(cut).out).toBe('once\n');
    await before.stop(cut.runUid, 0);
    for (const { runUid } of [ended, cut]) {
      // By the first: what a manager still knows of them goes with a real boot.
      await before.remove(runUid);
      expect(await after.inspect(runUid)).toBeUndefined();
    }
  });
}
