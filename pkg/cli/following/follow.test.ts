import { expect, it } from 'vitest';
import type { Task } from '../../api/index.ts';
import { type Clock, RiverError, realClock, seededRng } from '../../base/index.ts';
import type { Client, WatchHandler } from '../../client/index.ts';
import { Interrupted } from '../errors.ts';
import { follow } from './follow.ts';

const clock: Clock = { ...realClock, after: (_delayMs, callback) => realClock.after(0, callback) };

function task(name: string, resourceVersion: string): Task {
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name, namespace: 'default', resourceVersion },
    spec: { command: ['true'] },
  };
}

/** Each list answers the next of `lists`; each watch is told what the test wants. */
function host(lists: (Task[] | Error)[], watches: ((handler: WatchHandler<Task>) => void)[]): Client {
  const list = async () => {
    const items = lists.shift() ?? [];
    if (items instanceof Error) throw items;
    return { items, resourceVersion: '1' };
  };
  const watch = (_kind: string, _options: unknown, handler: WatchHandler<Task>) => {
    const tell = watches.shift();
    queueMicrotask(() => tell?.(handler));
    return { close: () => {} };
  };
  return { list, watch } as unknown as Client;
}

async function take(client: Client, count: number, signal = new AbortController().signal): Promise<string[]> {
  const seen: string[] = [];
  for await (const event of follow(client, 'Task', {}, { clock, rng: seededRng(1), signal })) {
    seen.push(event.type === 'SYNCED' ? 'SYNCED' : `${event.type} ${event.object.metadata.name}`);
    if (seen.length === count) break;
  }
  return seen;
}

it('tells what is there, then changes, and after a broken watch only the difference', async () => {
  const client = host(
    [
      [task('a', '1'), task('b', '1')],
      new RiverError('ServiceUnavailable', 'gone'),
      [task('a', '1'), task('c', '4')],
    ],
    [
      (handler) => {
        handler.event({ type: 'MODIFIED', object: task('b', '2') });
        handler.closed(new RiverError('Expired', 'too old'));
      },
    ],
  );
  expect(await take(client, 6)).toEqual([
    'ADDED a',
    'ADDED b',
    'SYNCED',
    'MODIFIED b',
    'ADDED c',
    'DELETED b',
  ]);
});

it('fails when the first list does', async () => {
  await expect(take(host([new RiverError('ServiceUnavailable', 'gone')], []), 1)).rejects.toThrow('gone');
});

it('does not go on after a refusal', async () => {
  const client = host([[]], [(handler) => handler.closed(new RiverError('Forbidden', 'no'))]);
  await expect(take(client, 9)).rejects.toThrow('no');
});

it('ends at Ctrl-C', async () => {
  const stop = new AbortController();
  const client = host([[]], [() => stop.abort()]);
  await expect(take(client, 9, stop.signal)).rejects.toThrow(Interrupted);
});
