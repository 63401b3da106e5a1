import type { Environment, EnvironmentStatus } from '../../api/index.ts';
import { type Clock, errorMessage, RiverError, timestamp } from '../../base/index.ts';
import { type CommitResult, type EnvironmentContainers, isClean } from '../../builder/index.ts';
import type { EventRecorder, Result } from '../../controller/index.ts';
import { shortDigest } from '../../environment/index.ts';
import { progressWriter } from './progress.ts';
import { conditions, type StatusWriter } from './status-writer.ts';
import { historyAfter } from './wanted.ts';

type Request = NonNullable<EnvironmentStatus['request']>;

export interface RequestsParts {
  containers: EnvironmentContainers;
  events: EventRecorder;
  clock: Clock;
  status: StatusWriter;
  /** Digest that the container was made from or last committed as. */
  baseOf(environment: Environment, container: { id: string; digest: string }): string;
  /** Looks for what nobody needs: after a commit there is some, and a full disk may be why one could not be done. */
  collect(): void;
}

const retryMs = 15_000;

/**
 * What people ask for beside the manifest. A request stays in the status until it is done or can never be: a host that
 * is killed in between does it after its next start.
 */
export class Requests {
  readonly #parts: RequestsParts;
  readonly #underWay = new Map<string, AbortController>();
  /** Requests that could not be done, until they are tried again. */
  readonly #delayed = new Map<string, number>();
  #stopped = false;

  constructor(parts: RequestsParts) {
    this.#parts = parts;
  }

  /** Environments of which something is being committed at this moment. */
  names(): string[] {
    return [...this.#underWay.keys()];
  }

  onChange(name: string, current: Environment | undefined): void {
    if (!current || current.metadata.deletionTimestamp) this.#underWay.get(name)?.abort();
  }

  stop(): void {
    this.#stopped = true;
    for (const abort of this.#underWay.values()) abort.abort();
  }

  async carryOut(environment: Environment, request: Request): Promise<Result | undefined> {
    if (this.#stopped) return undefined;
    const { clock } = this.#parts;
    const leftMs = (this.#delayed.get(request.id) ?? 0) - clock.monotonic();
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    const { name = '' } = environment.metadata;
    const abort = new AbortController();
    this.#underWay.set(name, abort);
    try {
      if (request.action === 'discard') await this.#discard(environment, request);
      else await this.#commit(environment, request, abort.signal);
      this.#delayed.delete(request.id);
      return undefined;
    } catch (error) {
      if (abort.signal.aborted) return undefined;
      return await this.#fail(environment, request, error);
    } finally {
      this.#underWay.delete(name);
    }
  }

  async #discard(environment: Environment, request: Request): Promise<void> {
    const { containers, events, status } = this.#parts;
    const { name = '' } = environment.metadata;
    // Asked first: one that is not of this host stays.
    if (await containers.find(name)) await containers.remove(name);
    await status.patch(environment, { request: null, container: null });
    const message = `${request.by} has thrown away what was in the working container`;
    events.record(environment, { type: 'Normal', reason: 'Discarded', message });
  }

  async #commit(environment: Environment, request: Request, signal: AbortSignal): Promise<void> {
    const { containers, clock, status } = this.#parts;
    const { name = '' } = environment.metadata;
    const { id, by, message } = request;
    const parentDigest = await this.#parentOf(environment);
    const progress = progressWriter(environment, { status, clock });
    try {
      const result = await containers.commit({
        ...{ name, id, by, message, parentDigest, signal, spec: environment.spec },
        builtAt: timestamp(clock.now()),
        onProgress: (text) => progress.tell({ text }),
      });
      await progress.end();
      await this.#succeed(environment, request, parentDigest, result);
    } finally {
      await progress.end();
    }
  }

  /** Of what is to be committed. Raises `Invalid` when there is nothing. */
  async #parentOf(environment: Environment): Promise<string> {
    const { name = '' } = environment.metadata;
    const { containers, baseOf } = this.#parts;
    const found = await containers.find(name);
    if (!found) throw new RiverError('Invalid', 'there is no working container any more');
    const base = baseOf(environment, found);
    const holdsNothing =
      base === found.digest
        ? isClean(await containers.changes(name))
        : await containers.isCommitted(name, base);
    if (holdsNothing)
      throw new RiverError(
        'Invalid',
        `nothing has changed in the working container since ${shortDigest(base)}`,
      );
    return base;
  }

  async #succeed(
    environment: Environment,
    { id, by, message, manifest }: Request,
    parentDigest: string,
    result: CommitResult,
  ): Promise<void> {
    const { status, events, collect } = this.#parts;
    const { digest, image, tarball } = result;
    const commit = { id, by, parentDigest, ...(message === undefined ? {} : { message }) };
    const text = `${shortDigest(digest)} was committed by ${by}${message === undefined ? '' : `: ${message}`}`;
    await status.patch(environment, {
      phase: 'Ready',
      image,
      digest,
      tarball,
      history: historyAfter(environment, result, commit),
      chosen: manifest,
      request: null,
      progress: null,
      container: { digest, changes: null },
      conditions: conditions([
        ['Committed', true, 'Committed', text],
        ['Published', true, 'Published', tarball.path],
        ['Ready', true, 'Committed', `${image} is in use until the manifest changes`],
      ]),
    });
    events.record(environment, { type: 'Normal', reason: 'Committed', message: text });
    collect();
  }

  async #fail(environment: Environment, request: Request, error: unknown): Promise<Result | undefined> {
    const { status, clock, collect } = this.#parts;
    const isTransient = !(error instanceof RiverError) || error.transient;
    const type = request.action === 'commit' ? 'Committed' : 'ContainerReady';
    const reason = isTransient ? 'WillRetry' : 'Refused';
    if (isTransient) {
      this.#delayed.set(request.id, clock.monotonic() + retryMs);
      collect();
    }
    await status.patch(environment, {
      progress: null,
      ...(isTransient ? {} : { request: null }),
      conditions: conditions([[type, false, reason, errorMessage(error)]]),
    });
    return isTransient ? { requeueAfterMs: retryMs } : undefined;
  }
}
