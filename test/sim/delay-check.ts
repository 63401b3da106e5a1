import { type Kind, type ObjectOf, parseDuration, type Run, type Task } from '../../pkg/api/index.ts';
import type { Store } from '../../pkg/store/index.ts';
import type { SimHost } from './host.ts';
import { isEnded } from './run-rules.ts';
import type { StoreMonitor } from './store-monitor.ts';
import type { World } from './world.ts';

/** So long a loop may still have seen the Task as it was before. */
const behindMs = 10_000;
/** Times are written in milliseconds. */
const roundingMs = 5;

export interface DelayParts {
  host: SimHost;
  monitor: StoreMonitor;
}

/** What has to wait does, told by the clock of the host: the end of a time to live, and the next attempt. */
export class DelayCheck {
  readonly #world: World;
  readonly #parts: DelayParts;

  constructor(world: World, parts: DelayParts) {
    this.#world = world;
    this.#parts = parts;
    parts.monitor.onExpired = (run, task) => this.#lookAtEnd(run, task);
    parts.monitor.onRetry = (run, before, task) => this.#lookAtRetry(run, before, task);
  }

  #lookAtEnd(run: Run, task: Task): void {
    const { name } = run.metadata;
    if (!isEnded(run.status?.phase ?? 'Pending')) this.#world.fail(`${name} is deleted and has not ended`);
    if (this.#mayBeBehind(task)) return;
    const ttl = task.spec.ttlAfterFinished ?? run.spec.ttlAfterFinished;
    if (ttl === undefined) this.#world.fail(`${name} is deleted and has no time to live`);
    else this.#expect(run, parseDuration(ttl), `${name} is deleted`);
  }

  #lookAtRetry(run: Run, before: Run, task: Task): void {
    if (before.status?.phase !== 'Failed' || this.#mayBeBehind(task)) return;
    const firstMs = parseDuration(task.spec.retry?.backoff ?? '10s');
    this.#expect(before, firstMs * 2 ** (before.spec.retries ?? 0), `${run.metadata.name} is made`);
  }

  /** So long after the end of that Run, unless the clock was set meanwhile. */
  #expect(ended: Run, delayMs: number, what: string): void {
    const { host, monitor } = this.#parts;
    const endedMs = monitor.endedMs(ended.metadata.uid ?? '');
    if (endedMs === undefined || endedMs <= host.clockSetMs) return;
    const leftMs = endedMs + delayMs - this.#world.time;
    if (leftMs > roundingMs) this.#world.fail(`${what} ${Math.round(leftMs)} ms before it is time`);
  }

  #mayBeBehind({ metadata }: Task): boolean {
    return this.#world.time - this.#parts.monitor.changedMs(metadata.uid ?? '') < behindMs;
  }
}

/** Runs that should have gone with their time to live by now, which is long over for all. */
export async function outlived(store: Store): Promise<string[]> {
  const all = async <K extends Kind>(kind: K) =>
    (await store.list(kind)).records.map(({ object }) => object as ObjectOf<K>);
  const tasks = new Map((await all('Task')).map((task) => [task.metadata.uid, task]));
  return (await all('Run')).flatMap((run) => {
    const task = tasks.get(run.metadata.ownerReferences?.[0]?.uid);
    const isOver = ['Succeeded', 'Failed'].includes(task?.status?.phase ?? '');
    return isOver && task?.spec.ttlAfterFinished !== undefined
      ? [`the time to live of ${run.metadata.name} is over, and it is there`]
      : [];
  });
}
