import { expect, test } from 'vitest';
import { startErrorRecord } from '../records/index.ts';
import { parseExitRecord } from './exit-record.ts';

const version1 =
  'file /g/memory.max_usage_in_bytes\n4096\nfile /g/memory.oom_control\noom_kill_disable 0\noom_kill 1\n';
const version2 =
  'file /g/memory.peak\n8192\nfile /g/memory.events\noom_kill 0\nfile /g/cpu.stat\nusage_usec 1500000\n';

test.each([
  ['ended exited 3\nend\n', { exitCode: 3, usage: {} }],
  ['ended killed TERM\nend\n', { signal: 'SIGTERM', usage: {} }],
  ['ended dumped SEGV\nend\n', { signal: 'SIGSEGV', usage: {} }],
  ['ended killed RTMIN+1\nend\n', { signal: 'SIGRTMIN+1', usage: {} }],
  [`ended exited 0\n${version2}end\n`, { exitCode: 0, usage: { memoryPeak: 8192, cpuSeconds: 1.5 } }],
  [
    `ended killed KILL\n${version1}end\n`,
    { signal: 'SIGKILL', oomKilled: true, usage: { memoryPeak: 4096 } },
  ],
  [`ended killed TERM\n${version1}end\n`, { signal: 'SIGTERM', usage: { memoryPeak: 4096 } }],
  [
    `ended exited 0\nstopping\n${version2}end\n`,
    {
      unknownEnd: 'NodeRestarted',
      usage: { memoryPeak: 8192, cpuSeconds: 1.5 },
      note: 'Its program ended while the machine shut down (exited 0).',
    },
  ],
  ['ended exited 127\nfailed\nend\n', { startError: expect.objectContaining({ reason: 'CommandNotFound' }) }],
  ['ended exited 126\nfailed\nend\n', { startError: expect.objectContaining({ reason: 'StartFailed' }) }],
  [
    startErrorRecord({ reason: 'Stopped', message: 'm' }),
    { startError: { reason: 'Stopped', message: 'm' } },
  ],
])('%j', (record, ending) => {
  expect(parseExitRecord(record)).toEqual(ending);
});

test.each([
  '',
  'ended exited 3\n',
  'ended exited 3\nfile /g/cpu.stat\nusage_',
  'ended exited\nend\n',
  'x\nend\n',
])('a record that is not whole: %j', (record) => {
  expect(parseExitRecord(record)).toBeUndefined();
});
