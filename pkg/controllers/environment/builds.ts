import type { Environment } from '../../api/index.ts';
import { type Clock, errorMessage, RiverError, timestamp } from '../../base/index.ts';
import type { BuildResult, EnvironmentBuilder, ParentEnvironment } from '../../builder/index.ts';
import type { EventRecorder, Result } from '../../controller/index.ts';
import { shortDigest } from '../../environment/index.ts';
import { progressWriter } from './progress.ts';
import { conditions, type StatusWriter } from './status-writer.ts';
import { commitsSinceBuild, historyAfter, isChosen } from './wanted.ts';

export interface BuildsParts {
  builder: EnvironmentBuilder;
  events: EventRecorder;
  clock: Clock;
  status: StatusWriter;
  /** Looks at the Environment again. */
  enqueue(name: string): void;
  /** Looks for what nobody needs: after a build there is some, and a full disk may be why one could not be done. */
  collect(): void;
}

/** One Environment is never built twice at once, because a key never is worked on twice. */
const buildsAtOnce = 2;
/** Until a build that could not be done is tried again. */
const retryMs = 15_000;
/** Until something is looked for again that was not there: somebody may have brought it. */
const retryMissingMs = 60_000;

/** Builds, and what has become of them in the status. */
export class Builds {
  readonly #parts: BuildsParts;
  readonly #stopped = new AbortController();
  /** Under way, by name: given up when their Environment changes. */
  readonly #building = new Map<string, { generation: number; abort: AbortController }>();
  /** Builds that could not be done, until they are tried again: the status that says so must not be what begins one. */
  readonly #delayed = new Map<string, { wanted: string; untilMs: number }>();
  /** Names that wait until one of the builds has ended. */
  readonly #queued = new Set<string>();

  constructor(parts: BuildsParts) {
    this.#parts = parts;
  }

  /** What is being built at this moment. */
  names(): string[] {
    return [...this.#building.keys()];
  }

  /** Gives up the build of an Environment that is not any more what is being built. */
  onChange(name: string, previous: Environment | undefined, current: Environment | undefined): void {
    const build = this.#building.get(name);
    const isOld = !current || current.metadata.generation !== build?.generation;
    const isNewlyChosen = current?.status?.chosen !== previous?.status?.chosen && isChosen(current);
    if (build && (isOld || isNewlyChosen || current.metadata.deletionTimestamp)) build.abort.abort();
  }

  /** It is not to be built any more. */
  forget(name: string): void {
    this.#queued.delete(name);
    this.#delayed.delete(name);
  }

  /** Gives up those under way: the next start of the host does them again. */
  stop(): void {
    this.#stopped.abort();
    for (const { abort } of this.#building.values()) abort.abort();
  }

  /** Resolves when it is built, has failed, or was given up; at once when it has to wait. */
  async build(
    environment: Environment,
    wanted: string,
    parent?: ParentEnvironment,
  ): Promise<Result | undefined> {
    const { name = '' } = environment.metadata;
    if (this.#stopped.signal.aborted) return undefined;
    const leftMs = this.#leftMs(name, wanted);
    if (leftMs > 0) return { requeueAfterMs: leftMs };
    if (this.#building.size >= buildsAtOnce) {
      this.#queued.add(name);
      await this.#parts.status.write(environment, { progress: 'waits until another build has ended' });
      return undefined;
    }
    return this.#buildNow(environment, wanted, parent);
  }

  #leftMs(name: string, wanted: string): number {
    const delay = this.#delayed.get(name);
    return delay?.wanted === wanted ? delay.untilMs - this.#parts.clock.monotonic() : 0;
  }

  async #buildNow(environment: Environment, wanted: string, parent: ParentEnvironment | undefined) {
    const { name = '', generation = 1 } = environment.metadata;
    const { builder, clock, status, enqueue } = this.#parts;
    const abort = new AbortController();
    this.#queued.delete(name);
    this.#building.set(name, { generation, abort });
    const progress = progressWriter(environment, { status, clock });
    try {
      const builtAt = timestamp(clock.now());
      const { spec } = environment;
      const request = { name, spec, parent, builtAt, signal: abort.signal, onProgress: progress.tell };
      const result = await builder.build(request);
      await progress.end();
      await this.#succeed(environment, wanted, result);
      return undefined;
    } catch (error) {
      await progress.end();
      if (abort.signal.aborted) return undefined;
      return await this.#fail(environment, wanted, error);
    } finally {
      this.#building.delete(name);
      for (const next of this.#queued) enqueue(next);
    }
  }

  async #succeed(environment: Environment, wanted: string, result: BuildResult): Promise<void> {
    const { status, events, collect } = this.#parts;
    const history = historyAfter(environment, result);
    const { digest, image, steps, tarball } = result;
    const done = steps.filter(({ cached }) => !cached).length;
    const leftOut = commitsLeftOut(environment);
    await status.write(environment, {
      phase: 'Ready',
      image,
      digest,
      tarball,
      steps,
      history,
      wanted,
      chosen: null,
      progress: null,
      conditions: conditions([
        ['BaseReady', true, 'Found', ''],
        ['Built', true, 'Built', `${done} of ${steps.length} steps were done${leftOut}`],
        ['Published', true, 'Published', tarball.path],
        ['Ready', true, 'Ready', `${image} is in use`],
      ]),
    });
    const type = leftOut === '' ? 'Normal' : 'Warning';
    events.record(environment, { type, reason: 'Built', message: `built ${image}${leftOut}` });
    collect();
  }

  async #fail(environment: Environment, wanted: string, error: unknown): Promise<Result | undefined> {
    const { status, events, clock, collect } = this.#parts;
    const againMs = retryAfterMs(error);
    const message = errorMessage(error);
    const inUse = environment.status?.digest;
    const ready = inUse === undefined ? message : `${message}\n${environment.status?.image} stays in use`;
    if (againMs !== undefined) {
      const untilMs = clock.monotonic() + againMs;
      this.#delayed.set(environment.metadata.name ?? '', { wanted, untilMs });
      collect();
    }
    const reason = againMs === undefined ? 'BuildFailed' : 'WillRetry';
    await status.write(environment, {
      phase: 'Failed',
      progress: null,
      ...(againMs === undefined ? { wanted } : {}),
      conditions: conditions([
        ['Built', false, reason, message],
        ['Ready', inUse !== undefined, reason, ready],
      ]),
    });
    events.record(environment, { type: 'Warning', reason, message: message.slice(0, 1000) });
    return againMs === undefined ? undefined : { requeueAfterMs: againMs };
  }
}

/** What people have committed by hand must not go without a word. */
function commitsLeftOut(environment: Environment): string {
  const commits = commitsSinceBuild(environment);
  const [newest] = commits;
  if (!newest) return '';
  const digest = shortDigest(newest.digest);
  const what =
    commits.length === 1 ? `the commit ${digest} is` : `${commits.length} commits up to ${digest} are`;
  return `; ${what} not in it: river rollback env/${environment.metadata.name} --to ${digest} goes back there`;
}

/** Undefined for what is wrong with the Environment itself: only a change of it helps. */
function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof RiverError) || error.transient) return retryMs;
  return error.code === 'NotFound' ? retryMissingMs : undefined;
}
