import { describe, expect, test } from 'vitest';
import { signalName, startErrorRecord } from '../records/index.ts';
import { parseExitRecord } from './exit-record.ts';

const times = 'times\n0m0.00s 0m0.00s\n0m1.25s 0m0.50s\n';

describe('exit record', () => {
  test('an exit code, CPU time from times', () => {
    expect(parseExitRecord(`status 3\n${times}end\n`)).toEqual({ exitCode: 3, usage: { cpuSeconds: 1.75 } });
  });

  test('a signal is told from the exit code 128+n by the sentence of the shell', () => {
    expect(parseExitRecord(`status 137\ndiag\n${times}end\n`)).toMatchObject({ signal: 'SIGKILL' });
    expect(parseExitRecord(`status 137\n${times}end\n`)).toMatchObject({ exitCode: 137 });
    expect(parseExitRecord(`status 130\n${times}end\n`)).toMatchObject({ signal: 'SIGINT' });
  });

  test('figures of cgroup v1', () => {
    const files =
      'file /g/memory.max_usage_in_bytes\n4096\nfile /g/memory.oom_control\noom_kill_disable 0\nunder_oom 0\noom_kill 1\nfile /g/cpuacct.usage\n2500000000\n';
    expect(parseExitRecord(`status 137\ndiag\n${times}${files}end\n`)).toEqual({
      signal: 'SIGKILL',
      oomKilled: true,
      usage: { cpuSeconds: 2.5, memoryPeak: 4096 },
    });
  });

  test('figures of cgroup v2', () => {
    const files =
      'file /g/memory.peak\n8192\nfile /g/memory.events\nlow 0\noom 0\noom_kill 0\nfile /g/cpu.stat\nusage_usec 1500000\nuser_usec 1\n';
    expect(parseExitRecord(`status 0\n${times}${files}end\n`)).toEqual({
      exitCode: 0,
      usage: { cpuSeconds: 1.5, memoryPeak: 8192 },
    });
  });

  test('a failed exec is a start error, the same code of a program is not', () => {
    expect(parseExitRecord(`status 127\nfailed\n${times}end\n`)?.startError?.reason).toBe('CommandNotFound');
    expect(parseExitRecord(`status 127\n${times}end\n`)).toMatchObject({ exitCode: 127 });
  });

  test('a start error is read back; half a record is none', () => {
    const error = { reason: 'CommandNotFound', message: 'a "quoted"\nsentence' };
    expect(parseExitRecord(startErrorRecord(error))).toEqual({ startError: error });
    expect(parseExitRecord('status 0\ntimes\n')).toBeUndefined();
    expect(parseExitRecord('error {"rea')).toBeUndefined();
    expect(parseExitRecord('')).toBeUndefined();
  });

  test('a real-time signal has no name in the system', () => {
    expect(signalName(15)).toBe('SIGTERM');
    expect(signalName(40)).toBe('SIG40');
  });
});
