import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Execution } from '../../pkg/executor/index.ts';
import { root } from '../env/bundle.ts';
import { type SystemdMachine, withSystemd } from '../env/systemd.ts';
import { eventually } from './executor-parts.ts';

interface Result {
  fullName: string;
  status: string;
  failureMessages: string[];
}

/** The tests of test/systemd, run inside; each becomes a test of this file. */
async function runInside(machine: SystemdMachine): Promise<{ results: Result[]; problem: string }> {
  const report = join(root, '.cache', `systemd-${process.pid}.json`);
  mkdirSync(join(root, '.cache'), { recursive: true });
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const options = ['--project', 'systemd', '--reporter=json', `--outputFile.json=${report}`];
  const { code, stdout, stderr } = await machine.run([process.execPath, vitest, 'run', ...options]);
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as {
      testResults: { message: string; assertionResults: Result[] }[];
    };
    const results = testResults.flatMap(({ assertionResults }) => assertionResults);
    const failed = results.some(({ status }) => status === 'failed');
    const messages = testResults.map(({ message }) => message).join('\n');
    return { results, problem: code === 0 || failed ? '' : `${messages}${stderr}` };
  } catch {
    return { results: [], problem: `${stdout}${stderr}` };
  } finally {
    rmSync(report, { force: true });
  }
}

const { machine } = await withSystemd();
const inside = machine && (await runInside(machine));
afterAll(() => machine?.release());

describe.skipIf(machine === undefined)('on a machine with systemd', () => {
  test('its tests ran', () => {
    expect(inside?.problem).toBe('');
    expect(inside?.results.length).toBeGreaterThan(0);
  });

  test.each(inside?.results ?? [])('$fullName', ({ status, failureMessages }) => {
    expect(failureMessages.join('\n')).toBe('');
    expect(status).toBe('passed');
  });
});

describe.skipIf(machine === undefined)('a reboot', () => {
  const folder = '/var/tmp/river-reboot';
  const child = async (verb: string, bootId: string, spec: object) => {
    const argv = [join(root, 'test/systemd/child.ts'), verb, join(folder, 'state'), bootId];
    const answer = await (machine as SystemdMachine).run([process.execPath, ...argv, JSON.stringify(spec)]);
    expect(answer.stderr).toBe('');
    return new Map((JSON.parse(answer.stdout) as Execution[]).map((each) => [each.runUid, each]));
  };
  const spec = (runUid: string, script: string) => ({
    ...{ runUid, namespace: 'default', runName: runUid, clusterUid: 'feedc0de-1111', runtime: 'systemd' },
    ...{ script: `#!/bin/sh\n${script}\n`, env: {}, mounts: [], privileged: false },
    ...{
      milliCores: 0,
      memoryBytes: 0,
      outPath: `${folder}/${runUid}.out`,
      errPath: `${folder}/${runUid}.err`,
    },
  });

  test('ends what runs as NodeRestarted, however it took the shutdown; what had ended keeps its code', async () => {
    await machine?.run(['mkdir', folder]);
    const ended = spec('ended', 'exit 3');
    await child('begin', 'first', ended);
    await child('begin', 'first', spec('killed', 'echo up; sleep 1000'));
    await child(
      'begin',
      'first',
      spec('polite', 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done'),
    );
    await eventually('all are up', async () => {
      const known = await child('list', 'first', ended);
      const up = await machine?.run(['cat', `${folder}/killed.out`, `${folder}/polite.out`]);
      return up?.stdout === 'up\nup\n' && known.get('ended')?.state === 'exited';
    });
    await machine?.reboot();
    const known = await child('list', 'second', ended);
    expect(known.get('ended')).toMatchObject({ state: 'exited', exitCode: 3 });
    for (const name of ['killed', 'polite']) {
      const execution = known.get(name);
      expect(execution).toMatchObject({ state: 'exited', unknownEnd: 'NodeRestarted' });
      expect(execution?.exitCode ?? execution?.signal).toBeUndefined();
      // Written at the shutdown, not found out afterwards.
      expect(execution?.usage?.memoryPeak).toBeGreaterThan(0);
    }
  });
});
