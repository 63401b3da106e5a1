import { expect, it } from 'vitest';
import type { Run } from '../../api/index.ts';
import type { LogReader, LogRequest } from '../../logs/index.ts';
import type { Store } from '../../store/index.ts';
import { openLog } from './open-log.ts';

const log = { out: '/n1/logs/default/r.out', err: '/n1/logs/default/r.err' };

/** What the reader is asked for. */
async function asked(status: object | undefined): Promise<LogRequest | undefined> {
  const run = { kind: 'Run', metadata: { name: 'r', uid: 'u' }, spec: { placement: { node: 'n1' } }, status };
  const store = { get: () => ({ object: run as unknown as Run }) } as unknown as Store;
  let request: LogRequest | undefined;
  const reader: LogReader = {
    async open(given) {
      request = given;
      return { startsAt: 0, chunks: (async function* () {})() };
    },
  };
  await openLog(store, reader, { role: 'admin', name: 'me' }, 'default', 'r', { stream: 'stdout' });
  return request;
}

it.each([
  ['has ended with output', { phase: 'Succeeded', log }, true, false],
  ['has only begun', { phase: 'Running', log }, false, true],
  ['was never started', { phase: 'Failed' }, false, false],
  ['waits', undefined, false, true],
])('a run that %s', async (_what, status, exists, mayGrow) => {
  const request = await asked(status);
  expect(request).toMatchObject({ namespace: 'default', run: 'r', stream: 'stdout', exists });
  expect([request?.node(), request?.mayGrow()]).toEqual(['n1', mayGrow]);
});
