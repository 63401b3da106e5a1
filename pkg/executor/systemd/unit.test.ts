import { expect, test } from 'vitest';
import { runUidOf, unitName } from './names.ts';
import { parseUnits } from './unit.ts';

/** As systemd 252 prints it. */
const shown = (more: Record<string, string>) =>
  Object.entries({
    Result: 'success',
    ExecMainExitTimestamp: '',
    ExecMainCode: '0',
    ExecMainStatus: '0',
    CPUUsageNSec: '[not set]',
    Id: 'river-a-1.service',
    Description: 'River run default/a',
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    ...more,
  })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');

const failed = { ActiveState: 'failed', SubState: 'failed', ExecMainCode: '1', ExecMainStatus: '3' };

test('every service that is loaded, by name', () => {
  const text = `${shown({})}\n${shown({ Id: 'river-a-2.service', ...failed })}`;
  expect([...parseUnits(text).keys()]).toEqual(['river-a-1.service', 'river-a-2.service']);
  expect(parseUnits(shown({ LoadState: 'not-found' })).size).toBe(0);
  expect(parseUnits('').size).toBe(0);
});

test.each([
  [{}, { live: true, failed: false, recording: false, description: 'River run default/a' }],
  [
    { ActiveState: 'deactivating', SubState: 'stop-post' },
    { live: true, recording: true },
  ],
  [
    { ActiveState: 'inactive', SubState: 'dead' },
    { live: false, failed: false },
  ],
  [
    { ActiveState: 'inactive', SubState: 'dead', Job: '71' },
    { live: true, failed: false },
  ],
  [failed, { live: false, failed: true, end: { exitCode: 3 } }],
  [{ ...failed, ExecMainCode: '2', ExecMainStatus: '15' }, { end: { signal: 'SIGTERM' } }],
  [
    { ...failed, ExecMainCode: '2', ExecMainStatus: '9', Result: 'oom-kill', CPUUsageNSec: '1500000000' },
    { end: { signal: 'SIGKILL', oomKilled: true, usage: { cpuSeconds: 1.5 } } },
  ],
  [
    { ...failed, ExecMainExitTimestamp: 'Sun 2026-11-22 14:09:26 UTC' },
    { end: { exitCode: 3, finishedAt: Date.UTC(2026, 10, 22, 14, 9, 26) } },
  ],
])('%j', (more, unit) => {
  expect(parseUnits(shown(more)).get('river-a-1.service')).toMatchObject(unit);
});

test('the uid of a run is in the name, for its cluster only', () => {
  const name = unitName('0123456789abcdef', 'u-1');
  expect(name).toBe('river-0123456789ab-u-1.service');
  expect(runUidOf('0123456789abcdef', name)).toBe('u-1');
  expect(runUidOf('other-cluster', name)).toBeUndefined();
});
