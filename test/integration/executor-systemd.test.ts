import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { Execution, RuntimeProbe } from '../../pkg/executor/index.ts';
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

describe.skipIf(machine === undefined)('the machine', () => {
  const folder = '/var/tmp/river';
  const { run, hang, reboot } = machine ?? ({} as SystemdMachine);
  /** What test/systemd/child.ts prints. */
  const child = async (verb: string, bootId: string, spec: object) => {
    const argv = [join(root, 'test/systemd/child.ts'), verb, join(folder, 'state'), bootId];
    const answer = await run([process.execPath, ...argv, JSON.stringify(spec)]);
    expect(answer.stderr).toBe('');
    return JSON.parse(answer.stdout) as { probe: RuntimeProbe; known: Execution[] | { error: string } };
  };
  const list = async (bootId: string) => {
    const { known } = await child('list', bootId, ended);
    return new Map(Array.isArray(known) ? known.map((each) => [each.runUid, each]) : []);
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
  const ended = spec('ended', `while [ ! -e ${folder}/end ]; do sleep 0.02; done; exit 3`);

  test('hangs: not ready, nothing is said of what runs, and no end is lost', async () => {
    await run(['mkdir', folder]);
    await child('begin', 'first', ended);
    const goOn = await hang();
    try {
      await run(['touch', join(folder, 'end')]);
      const { probe, known } = await child('list', 'first', ended);
      expect(probe).toMatchObject({ ready: false, message: expect.stringContaining('no answer') });
      expect(known).toEqual({ error: 'ServiceUnavailable' });
    } finally {
      goOn();
    }
    await eventually('its end', async () => (await list('first')).get('ended')?.exitCode === 3);
  });

  test('reboots: what runs ends as NodeRestarted, however it took it; what had ended keeps its code', async () => {
    await child('begin', 'first', spec('killed', 'echo up; sleep 1000'));
    await child(
      'begin',
      'first',
      spec('polite', 'trap "exit 0" TERM; echo up; while :; do sleep 0.05; done'),
    );
    await eventually('both are up', async () => {
      const up = await run(['cat', `${folder}/killed.out`, `${folder}/polite.out`]);
      return up.stdout === 'up\nup\n';
    });
    await reboot();
    const known = await list('second');
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
