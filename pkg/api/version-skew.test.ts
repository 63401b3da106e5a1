import { expect, test } from 'vitest';
import { versionSkew, withVersionSkew } from './version-skew.ts';

test.each([
  ['0.1.0', 'v0.1.0+river'],
  ['0.1.9', 'v0.2.0+river'],
  ['0.2.0', '0.1.0'],
  ['1.9.0', '1.10.0'],
  ['1.2.0-rc.1', '1.3.0'],
])('%s and %s work together', (runner, host) => {
  expect(versionSkew(runner, host)).toBeUndefined();
});

test.each([
  ['0.1.0', 'v0.4.0+river', 'runner is river 0.1.0, the host 0.4.0:', 'upgrade the runner.'],
  ['0.4.0', 'v0.2.0+river', 'runner is river 0.4.0, the host 0.2.0:', 'upgrade the host.'],
  ['1.0.0', '0.9.0', 'runner is river 1.0.0', 'upgrade the host.'],
  ['0.9.0', '1.0.0', 'runner is river 0.9.0', 'upgrade the runner.'],
])('%s and %s do not, and it says what to upgrade', (runner, host, who, what) => {
  const skew = versionSkew(runner, host);
  expect(skew).toContain(who);
  expect(skew).toContain(what);
});

test('nothing is said of what does not tell its version', () => {
  for (const version of [undefined, '', 'simulated', '7'])
    expect([versionSkew(version, '0.4.0'), versionSkew('0.4.0', version)]).toEqual([undefined, undefined]);
});

test('a Ready of an old runner becomes none, and the times stay for as long as it lasts', () => {
  const ready = { type: 'Ready', status: 'True', reason: 'RunnerReady', message: '' } as const;
  const first = withVersionSkew([{ ...ready, lastTransitionTime: 't1' }], [], 'far', 't1');
  expect(first).toMatchObject([
    { type: 'Ready', status: 'False', reason: 'VersionSkew', message: 'far', lastTransitionTime: 't1' },
    { type: 'VersionSkew', status: 'True', lastTransitionTime: 't1' },
  ]);
  const reported = [{ ...ready, lastTransitionTime: 't2' }, ...(first?.slice(1) ?? [])];
  expect(withVersionSkew(reported, first, 'far', 't2')).toEqual(first);
  const over = withVersionSkew(reported, first, undefined, 't3');
  expect(over?.map(({ type, status }) => [type, status])).toEqual([
    ['Ready', 'True'],
    ['VersionSkew', 'False'],
  ]);
});
