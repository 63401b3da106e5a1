import { expect, it } from 'vitest';
import type { Run, Task } from '../../api/index.ts';
import { type Clock, RiverError, realClock, seededRng } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { followTaskRuns } from './task-runs.ts';

const clock: Clock = { ...realClock, after: (_delayMs, callback) => realClock.after(0, callback) };
const metadata = { name: 'a', namespace: 'default', uid: 'u', generation: 1, resourceVersion: '1' };
const task: Task = {
  apiVersion: 'river.dev/v1',
  kind: 'Task',
  metadata,
  spec: { command: ['true'] },
  status: { phase: 'Succeeded', revision: 1, observedGeneration: 1 } as Task['status'],
};
const run = {
  metadata: { name: 'a-1', ownerReferences: [{ uid: 'u' }] },
  spec: { revision: 1, ordinal: 0, attempt: 0 },
} as unknown as Run;

/** Shows the task; the list of its runs fails with each of `errors` first. */
function host(errors: RiverError[]): Client {
  const list = async (kind: string) => {
    const error = kind === 'Run' ? errors.shift() : undefined;
    if (error) throw error;
    return { items: kind === 'Run' ? [run] : [task], resourceVersion: '1' };
  };
  return { list, watch: () => ({ close: () => {} }) } as unknown as Client;
}

async function copied(errors: RiverError[]): Promise<string[]> {
  const names: string[] = [];
  const signal = new AbortController().signal;
  await followTaskRuns(host(errors), task, { clock, rng: seededRng(1), signal }, async (name) => {
    names.push(name);
  });
  return names;
}

it('goes on when the host goes away between the task and its runs', async () => {
  const away = () => new RiverError('ServiceUnavailable', 'gone');
  expect(await copied([away(), away()])).toEqual(['a-1']);
});

it('ends at a refusal', async () => {
  await expect(copied([new RiverError('Forbidden', 'no')])).rejects.toThrow('no');
});
