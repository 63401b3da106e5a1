import { expect, it } from 'vitest';
import { outcomeOf, runningStatus } from './outcome.ts';

const paths = { outPath: '/logs/a.out', errPath: '/logs/a.err' };
const calledOff = {
  runUid: 'u',
  namespace: 'default',
  runName: 'a',
  state: 'exited' as const,
  startError: { reason: 'Stopped', message: 'It was stopped before it was started.' },
};

it('calls a Run Stopped, not Failed, whose start was called off because it was to stop', () => {
  const outcome = outcomeOf(calledOff, { stopReason: 'Stopped', stopRequestedAt: 1 }, paths);
  expect(outcome).toMatchObject({ phase: 'Stopped', reason: 'Stopped' });
});

it('keeps the reason of a program that could not be started', () => {
  const startError = { reason: 'CommandNotFound', message: 'There is no such program.' };
  const outcome = outcomeOf(
    { ...calledOff, startError },
    { stopReason: 'Stopped', stopRequestedAt: 1 },
    paths,
  );
  expect(outcome).toMatchObject({ phase: 'Failed', reason: 'CommandNotFound' });
});

it('tells people what is not certain about an end', () => {
  const { startError: _none, ...ended } = calledOff;
  const outcome = outcomeOf({ ...ended, exitCode: 255, note: 'It may have died.' }, {}, paths);
  expect(outcome).toMatchObject({
    exitCode: 255,
    message: 'The program ended with exit code 255. It may have died.',
  });
});

it.each([
  [
    { signal: 'SIGKILL', usage: { memoryPeak: 31_997_952 } },
    'ended by SIGKILL. It had reached its memory limit.',
  ],
  [{ signal: 'SIGKILL', usage: { memoryPeak: 31_000_000 } }, 'ended by SIGKILL.'],
  [{ signal: 'SIGTERM', usage: { memoryPeak: 32_000_000 } }, 'ended by SIGTERM.'],
  [{ signal: 'SIGKILL', oomKilled: true, usage: { memoryPeak: 32_000_000 } }, 'more memory than its limit.'],
])('a kill at the memory limit that nobody explained: %j', (end, message) => {
  const { startError: _none, ...ended } = calledOff;
  const intent = { ...paths, spec: { memoryBytes: 32_000_000 } };
  expect(outcomeOf({ ...ended, ...end }, {}, intent).message).toMatch(new RegExp(`${message}$`));
});

it('says what environment a Run has run in, to its end', () => {
  const environment = { name: 'py', digest: 'sha256:1' };
  const { startError: _none, ...ended } = calledOff;
  expect(runningStatus({ ...ended, state: 'running' }, { ...paths, environment }).environmentDigest).toBe(
    'sha256:1',
  );
  expect(outcomeOf({ ...ended, exitCode: 0 }, {}, { ...paths, environment }).environmentDigest).toBe(
    'sha256:1',
  );
  expect(outcomeOf(calledOff, {}, { ...paths, environment }).environmentDigest).toBeUndefined();
});
