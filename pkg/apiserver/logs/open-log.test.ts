import { expect, it } from 'vitest';
import type { Run } from '../../api/index.ts';
import type { LogReader } from '../../logs/index.ts';
import type { Store } from '../../store/index.ts';
import { openLog } from './open-log.ts';

const log = { out: '/n1/logs/default/r.out', err: '/n1/logs/default/r.err' };

function open(status: object | undefined, isHere: boolean) {
  const run = { kind: 'Run', metadata: { name: 'r', uid: 'u' }, spec: { placement: { node: 'n1' } }, status };
  const store = { get: () => ({ object: run as unknown as Run }) } as unknown as Store;
  const stream = { startsAt: 0, chunks: (async function* () {})() };
  const reader: LogReader = { open: async () => stream, has: async () => isHere };
  const me = { role: 'admin' as const, name: 'me' };
  return openLog(store, reader, me, 'default', 'r', { stream: 'stdout' });
}

it('says where the output is, when it is not where the host reads', async () => {
  await expect(open({ phase: 'Failed', log }, false)).rejects.toThrow(
    /wrote it to \/n1\/logs\/default\/r\.out and .*, on node n1.*sharedDir/,
  );
});

it.each([
  ['which is there', { phase: 'Succeeded', log }, true],
  ['which has only begun', { phase: 'Running', log }, false],
  ['of a run that was never started', { phase: 'Failed' }, false],
  ['of a run that waits', undefined, false],
])('serves output %s', async (_what, status, isHere) => {
  expect(await open(status, isHere)).toMatchObject({ startsAt: 0 });
});
