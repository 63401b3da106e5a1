import { type Clock, errorMessage, hasCode, type Logger, type Rng } from '../base/index.ts';
import type { Controller } from './controller.ts';
import type { InformerSet } from './informer-set.ts';
import { WorkQueue, type WorkQueueMetrics } from './work-queue.ts';

export interface ManagerOptions {
  informers: InformerSet;
  controllers: readonly Controller[];
  clock: Clock;
  rng: Rng;
  logger: Logger;
}

export interface ManagerMetrics {
  informers: Record<string, object>;
  queues: Record<string, WorkQueueMetrics>;
}

/** Starts the caches, then the controllers: none acts on a cache that is not complete. */
export class Manager {
  readonly #options: ManagerOptions;
  readonly #queues = new Map<string, WorkQueue>();
  #stopped = false;

  constructor(options: ManagerOptions) {
    this.#options = options;
    for (const controller of options.controllers) this.#connect(controller);
  }

  /** Resolves when the caches are complete and the controllers run; never when stopped before. */
  async start(): Promise<void> {
    const { informers } = this.#options;
    informers.start();
    await informers.synced();
    if (this.#stopped) return;
    for (const queue of this.#queues.values()) queue.start();
  }

  /** Resolves when no reconcile is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.informers.stop();
    await Promise.all([...this.#queues.values()].map((queue) => queue.stop()));
  }

  /** What is being reconciled now, as in `environment/py`. */
  underWay(): string[] {
    return [...this.#queues].flatMap(([name, queue]) => queue.underWay().map((key) => `${name}/${key}`));
  }

  metrics(): ManagerMetrics {
    const queues = Object.fromEntries([...this.#queues].map(([name, queue]) => [name, queue.metrics()]));
    return { informers: this.#options.informers.metrics(), queues };
  }

  #connect(controller: Controller): void {
    const { clock, rng } = this.#options;
    const logger = this.#options.logger.child({ controller: controller.name });
    const queue = new WorkQueue({
      clock,
      rng,
      workers: controller.workers,
      process: (key) => controller.reconcile(key),
      failed: (key, error, attempt) => logFailure(logger, key, error, attempt),
    });
    this.#queues.set(controller.name, queue);
    controller.watch((key) => queue.add(key));
  }
}

/** A cache that is behind ends in a Conflict, and a host that is closing refuses everything: both are part of normal life. */
function logFailure(logger: Logger, key: string, error: unknown, attempt: number): void {
  const fields = { key, attempt, error: errorMessage(error) };
  if (hasCode(error, 'Conflict', 'AlreadyExists', 'NotFound', 'ServiceUnavailable')) {
    logger.debug('reconcile will be tried again', fields);
  } else {
    logger.error('reconcile failed and will be tried again', fields);
  }
}
