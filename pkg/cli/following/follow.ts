import { type ApiObject, type Kind, type ObjectOf, objectKey } from '../../api/index.ts';
import { backoffDelay, type Clock, hasCode, type Rng, sleep } from '../../base/index.ts';
import type { Client, SelectorOptions, WatchEvent } from '../../client/index.ts';
import { Interrupted } from '../errors.ts';

/** `SYNCED` comes once, after everything that was there at the start. */
export type FollowEvent<T> = WatchEvent<T> | { type: 'SYNCED' };

export interface FollowSeams {
  clock: Clock;
  rng: Rng;
  signal: AbortSignal;
}

const retry = { baseMs: 250, capMs: 5_000 };
const pageSize = 500;

/** All pages of a list. */
export async function listAll<K extends Kind>(client: Client, kind: K, selector: SelectorOptions) {
  const items: ObjectOf<K>[] = [];
  let next: string | undefined;
  for (;;) {
    const page = await client.list(kind, { ...selector, limit: pageSize, continue: next });
    items.push(...page.items);
    next = page.continue;
    if (!next) return { items, resourceVersion: page.resourceVersion };
  }
}

/**
 * What is there, then every change, for as long as the caller goes on. A broken stream is opened again: the list is
 * read anew and told as its difference to what was told before, so that nothing is lost and nothing is told twice.
 * The first list must succeed; later failures are tried again when they are transient.
 */
export async function* follow<K extends Kind>(
  client: Client,
  kind: K,
  selector: SelectorOptions,
  seams: FollowSeams,
): AsyncGenerator<FollowEvent<ObjectOf<K>>> {
  const known = new Map<string, ObjectOf<K>>();
  for (let failures = -1; ; ) {
    try {
      const list = await listAll(client, kind, selector);
      yield* difference(known, list.items);
      if (failures < 0) yield { type: 'SYNCED' };
      failures = 0;
      yield* remember(
        known,
        watchFrom(client, kind, { ...selector, resourceVersion: list.resourceVersion }, seams),
      );
    } catch (error) {
      if (seams.signal.aborted) throw new Interrupted();
      const again = hasCode(error, 'Expired') || passes(error);
      if (failures < 0 || !again) throw error;
    }
    await pause(failures++, seams);
  }
}

/** So often in a row, which is about half a minute. */
const failuresAtMost = 10;

/** Whether what a request has asked for came to nothing because the host was away or slow, and not by its answer. */
function isAway(error: unknown): boolean {
  if (hasCode(error, 'Timeout', 'TooManyRequests')) return true;
  return hasCode(error, 'ServiceUnavailable') && error.cause !== undefined;
}

/** Asks again while the host restarts, and gives up when that takes too long or it says no. */
export async function overRestart<T>(ask: () => Promise<T>, seams: FollowSeams): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      if (seams.signal.aborted) throw new Interrupted();
      if (!isAway(error) || failures >= failuresAtMost) throw error;
    }
    await pause(failures, seams);
  }
}

/** Asks again for as long as the host is away. */
export async function patiently<T>(ask: () => Promise<T>, seams: FollowSeams): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await ask();
    } catch (error) {
      if (seams.signal.aborted) throw new Interrupted();
      if (!passes(error)) throw error;
    }
    await pause(failures, seams);
  }
}

/** The host may answer at another time. */
export function passes(error: unknown): boolean {
  return hasCode(error, 'ServiceUnavailable', 'Timeout', 'TooManyRequests');
}

/** Before it is asked again: longer with every failure. Raises `Interrupted` when nobody waits any more. */
export async function pause(failures: number, { clock, rng, signal }: FollowSeams): Promise<void> {
  await sleep(clock, backoffDelay(retry, failures, rng), signal).catch(() => {
    throw new Interrupted();
  });
}

function* difference<T extends ApiObject>(
  known: Map<string, T>,
  now: readonly T[],
): Generator<WatchEvent<T>> {
  const left = new Map(known);
  for (const object of now) {
    const key = objectKey(object.metadata);
    const before = known.get(key);
    left.delete(key);
    known.set(key, object);
    if (!before) yield { type: 'ADDED', object };
    else if (before.metadata.resourceVersion !== object.metadata.resourceVersion)
      yield { type: 'MODIFIED', object };
  }
  for (const [key, object] of left) {
    known.delete(key);
    yield { type: 'DELETED', object };
  }
}

async function* remember<T extends ApiObject>(known: Map<string, T>, events: AsyncIterable<WatchEvent<T>>) {
  for await (const event of events) {
    const key = objectKey(event.object.metadata);
    if (event.type === 'DELETED') known.delete(key);
    else known.set(key, event.object);
    yield event;
  }
}

/** One watch as an iterable; ends when the other side ends it, raises what ended it. */
async function* watchFrom<K extends Kind>(
  client: Client,
  kind: K,
  options: SelectorOptions & { resourceVersion: string },
  seams: FollowSeams,
): AsyncGenerator<WatchEvent<ObjectOf<K>>> {
  const queue: WatchEvent<ObjectOf<K>>[] = [];
  let ended: { error?: Error } | undefined;
  let wake = () => {};
  const watch = client.watch(kind, options, {
    event: (event) => {
      queue.push(event);
      wake();
    },
    closed: (error) => {
      ended = { error };
      wake();
    },
  });
  const stop = () => wake();
  seams.signal.addEventListener('abort', stop);
  try {
    for (;;) {
      for (let event = queue.shift(); event; event = queue.shift()) yield event;
      if (seams.signal.aborted) throw new Interrupted();
      if (ended?.error) throw ended.error;
      if (ended) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    seams.signal.removeEventListener('abort', stop);
    watch.close();
  }
}

/** The states of one object as they come; undefined while there is none. The first one tells what is there now. */
export async function* followObject<K extends Kind>(
  client: Client,
  kind: K,
  namespace: string,
  name: string,
  seams: FollowSeams,
): AsyncGenerator<ObjectOf<K> | undefined> {
  const selector = { namespace: namespace || undefined, fieldSelector: `metadata.name=${name}` };
  let present = false;
  for await (const event of follow(client, kind, selector, seams)) {
    if (event.type === 'SYNCED') {
      if (!present) yield undefined;
      continue;
    }
    present = event.type !== 'DELETED';
    yield present ? event.object : undefined;
  }
}
