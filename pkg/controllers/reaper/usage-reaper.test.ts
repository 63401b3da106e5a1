import { expect, test } from 'vitest';
import { realClock, timestamp } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { UsageReaper } from './usage-reaper.ts';

const dayMs = 86_400_000;
const nowMs = Date.parse('2026-11-22T10:00:00Z');

test('deletes what is older than 400 days, in all pages, and looks again the day after', async () => {
  const entry = (agedDays: number) => {
    const day = timestamp(nowMs - agedDays * dayMs).slice(0, 10);
    return { day, metadata: { namespace: 'default', name: `${day}-x`, uid: `u${agedDays}` } };
  };
  const pages = [
    [entry(401), entry(2)],
    [entry(500), entry(399)],
  ];
  const deleted: unknown[] = [];
  const client = {
    list: async (_kind: string, { continue: next = '0' }: { continue?: string }) => ({
      items: pages[Number(next)],
      ...(next === '0' ? { continue: '1' } : {}),
    }),
    delete: async (_kind: string, _namespace: string, _name: string, { uid }: { uid: string }) =>
      deleted.push(uid),
  } as unknown as Client;
  const reaper = new UsageReaper({ client, clock: { ...realClock, now: () => nowMs } });
  expect(await reaper.reconcile()).toEqual({ requeueAfterMs: dayMs });
  expect(deleted).toEqual(['u401', 'u500']);
});
