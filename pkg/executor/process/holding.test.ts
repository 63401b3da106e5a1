import { expect, test } from 'vitest';
import { Holding } from './holding.ts';

const without = { version: 0, why: 'it is a test' } as const;

test('without cpusets and taskset: what was given is refused, what is only shared is done without', async () => {
  const holding = new Holding(without, '/nowhere');
  expect(await holding.begin({ runUid: 'u' })).toEqual({ argv: [], join: [] });
  expect(await holding.begin({ runUid: 'u', cpus: '0' })).toMatchObject({
    startError: { reason: 'BindingUnavailable' },
  });
  expect(await holding.begin({ runUid: 'u', sharedCpus: '0' })).toEqual({ argv: [], join: [] });
  expect(await holding.begin({ runUid: 'u', cpus: '0-1', sharedCpus: '0' })).toMatchObject({
    startError: { message: expect.stringContaining('CPUs 0-1') },
  });
});

test('without cpusets: taskset, on those that nobody has pinned', async () => {
  const holding = new Holding(without, '/usr/bin:/bin');
  const begun = await holding.begin({ runUid: 'u', cpus: '0-1', sharedCpus: '0' });
  expect(begun).toEqual({ argv: [expect.stringMatching(/\/taskset$/), '--cpu-list', '0'], join: [] });
});
