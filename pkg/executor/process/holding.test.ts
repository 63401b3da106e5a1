import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

test('version 2: a start that may be on all CPUs is not held by one before it, which was not', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'river-holding-'));
  try {
    mkdirSync(join(folder, 'u'));
    const holding = new Holding({ version: 2, folder, cpuset: true }, '/usr/bin:/bin');
    await holding.begin({ runUid: 'u', sharedCpus: '1' });
    expect(readFileSync(join(folder, 'u/cpuset.cpus'), 'utf8')).toBe('1');
    await holding.begin({ runUid: 'u' });
    expect(readFileSync(join(folder, 'u/cpuset.cpus'), 'utf8').trim()).toBe('');
    await holding.begin({ runUid: 'v' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
