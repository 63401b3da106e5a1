import {
  type Environment,
  environmentHash,
  finalizers,
  isTerminal,
  type Run,
  setCondition,
} from '../../api/index.ts';
import { type Clock, errorMessage, hasCode, RiverError, timestamp } from '../../base/index.ts';
import type { BuildResult, EnvironmentBuilder, ParentEnvironment } from '../../builder/index.ts';
import type { Client } from '../../client/index.ts';
import type { Controller, EventRecorder, Informer, InformerSet, Result } from '../../controller/index.ts';
import { changedImages, holdersOf } from './holders.ts';
import { historyAfter, kept } from './wanted.ts';

export interface EnvironmentControllerOptions {
  client: Client;
  informers: InformerSet;
  events: EventRecorder;
  builder: EnvironmentBuilder;
  clock: Clock;
}

/** One Environment is never built twice at once, because a key never is worked on twice. */
const buildsAtOnce = 2;
/** More than builds: nothing else has to wait for these. */
const workers = 8;
/** Between two writes of the progress of a build. */
const progressMs = 1000;
/** Until a build that could not be done is tried again. */
const retryMs = 15_000;
/** Between two looks for what nobody needs; also right after it came to be. */
const collectMs = 3_600_000;
/** A key that no Environment can have as its name. */
const collection = '*';

export class EnvironmentController implements Controller {
  readonly name = 'environment';
  readonly workers = workers;
  readonly #options: EnvironmentControllerOptions;
  readonly #environments: Informer<'Environment'>;
  readonly #runs: Informer<'Run'>;
  readonly #nodes: Informer<'Node'>;
  readonly #runsOn: (digest: string) => Run[];
  readonly #childrenOf: (name: string) => Environment[];
  readonly #stopped = new AbortController();
  /** Builds under way, by name: given up when their Environment changes. */
  readonly #building = new Map<string, { generation: number; abort: AbortController }>();
  /** Builds that could not be done, until they are tried again: the status that says so must not be what begins one. */
  readonly #delayed = new Map<string, { wanted: string; untilMs: number }>();
  /** Names that wait until one of the builds has ended. */
  readonly #queued = new Set<string>();
  /** Names that a collection under way leaves alone, whatever it knows of them. */
  #busy = new Set<string>();
  #collecting: Promise<void> = Promise.resolve();
  #enqueue: (key: string) => void = () => {};
  #recovered: Promise<void> | undefined;

  constructor(options: EnvironmentControllerOptions) {
    this.#options = options;
    this.#environments = options.informers.of('Environment');
    this.#runs = options.informers.of('Run');
    this.#nodes = options.informers.of('Node');
    this.#childrenOf = this.#environments.index('parent', ({ spec }) =>
      spec.from.environment === undefined ? [] : [spec.from.environment],
    );
    this.#runsOn = this.#runs.index('environment digest', (run) => {
      const { name, digest } = run.spec.placement?.environment ?? {};
      return digest === undefined || isTerminal(run.status?.phase ?? 'Pending') ? [] : [`${name}@${digest}`];
    });
  }

  watch(enqueue: (key: string) => void): void {
    this.#enqueue = enqueue;
    enqueue(collection);
    this.#environments.onChange((name, previous, current) => {
      const build = this.#building.get(name);
      const isOld = !current || current.metadata.generation !== build?.generation;
      const isNewlyChosen = current?.status?.chosen !== previous?.status?.chosen && isChosen(current);
      if (build && (isOld || isNewlyChosen || current.metadata.deletionTimestamp)) build.abort.abort();
      enqueue(name);
      if (previous?.status?.digest !== current?.status?.digest || !current)
        for (const child of this.#childrenOf(name)) enqueue(child.metadata.name ?? '');
      const parent = previous?.spec.from.environment;
      if ((!current || current.metadata.deletionTimestamp) && parent !== undefined) enqueue(parent);
    });
    this.#nodes.onChange((_key, previous, current) => {
      for (const name of changedImages(previous, current)) enqueue(name);
    });
    this.#runs.onChange((_key, previous, current) => {
      const used = previous?.spec.placement?.environment?.name;
      if (used !== undefined && (!current || isTerminal(current.status?.phase ?? 'Pending'))) enqueue(used);
    });
  }

  /** Gives up the builds under way: the next start of the host does them again. */
  stop(): void {
    this.#stopped.abort();
    for (const { abort } of this.#building.values()) abort.abort();
  }

  async reconcile(name: string): Promise<Result | undefined> {
    this.#recovered ??= this.#options.builder.recover();
    await this.#recovered;
    if (name === collection) {
      await this.#collect();
      return { requeueAfterMs: collectMs };
    }
    const environment = this.#environments.get(name);
    if (!environment) {
      this.#queued.delete(name);
      this.#delayed.delete(name);
      return undefined;
    }
    if (environment.metadata.deletionTimestamp) {
      this.#queued.delete(name);
      return this.#release(environment);
    }
    if (isChosen(environment)) return this.#settle(environment);
    const base = this.#baseOf(environment);
    if ('obstacle' in base) return this.#wait(environment, base.obstacle);
    const wanted = environmentHash(environment.spec, base.parent?.digest);
    if (environment.status?.wanted === wanted) return this.#settle(environment);
    const delay = this.#delayed.get(name);
    const leftMs = delay?.wanted === wanted ? delay.untilMs - this.#options.clock.monotonic() : 0;
    return leftMs > 0 ? { requeueAfterMs: leftMs } : this.#build(environment, wanted, base.parent);
  }

  #baseOf(
    environment: Environment,
  ): { parent?: ParentEnvironment } | { obstacle: { reason: string; message: string } } {
    const parent = environment.spec.from.environment;
    if (parent === undefined) return {};
    const digest = this.#environments.get(parent)?.status?.digest;
    if (digest !== undefined) return { parent: { name: parent, digest } };
    const message = this.#environments.get(parent)
      ? `environment ${parent} has no digest yet`
      : `environment ${parent} does not exist: apply it`;
    return { obstacle: { reason: 'ParentNotReady', message } };
  }

  async #wait(environment: Environment, { reason, message }: { reason: string; message: string }) {
    await this.#write(environment, {
      phase: 'Pending',
      conditions: this.#conditions(environment, [
        ['BaseReady', false, reason, message],
        ['Ready', environment.status?.digest !== undefined, reason, message],
      ]),
    });
    return undefined;
  }

  async #build(
    environment: Environment,
    wanted: string,
    parent?: ParentEnvironment,
  ): Promise<Result | undefined> {
    const { name = '', generation = 1 } = environment.metadata;
    const abort = new AbortController();
    if (this.#stopped.signal.aborted) return undefined;
    if (this.#building.size >= buildsAtOnce) {
      this.#queued.add(name);
      await this.#write(environment, { progress: 'waits until another build has ended' });
      return undefined;
    }
    this.#queued.delete(name);
    this.#building.set(name, { generation, abort });
    this.#busy.add(name);
    const progress = this.#progressWriter(environment);
    try {
      const builtAt = timestamp(this.#options.clock.now());
      const { spec } = environment;
      const request = { name, spec, parent, builtAt, signal: abort.signal, onProgress: progress.tell };
      const result = await this.#options.builder.build(request);
      await progress.end();
      await this.#succeed(environment, wanted, result);
      return undefined;
    } catch (error) {
      await progress.end();
      if (abort.signal.aborted) return undefined;
      return await this.#fail(environment, wanted, error);
    } finally {
      this.#building.delete(name);
      for (const next of this.#queued) this.#enqueue(next);
    }
  }

  async #succeed(environment: Environment, wanted: string, result: BuildResult): Promise<void> {
    const history = historyAfter(environment, result);
    const { digest, image, steps, tarball } = result;
    await this.#write(environment, {
      phase: 'Ready',
      image,
      digest,
      tarball,
      steps,
      history,
      wanted,
      chosen: null,
      progress: null,
      conditions: this.#conditions(environment, [
        ['BaseReady', true, 'Found', ''],
        [
          'Built',
          true,
          'Built',
          `${steps.filter(({ cached }) => !cached).length} of ${steps.length} steps were done`,
        ],
        ['Published', true, 'Published', tarball.path],
        ['Ready', true, 'Ready', `${image} is in use`],
      ]),
    });
    const message = `built ${image}`;
    this.#options.events.record(environment, { type: 'Normal', reason: 'Built', message });
    this.#enqueue(collection);
  }

  async #fail(environment: Environment, wanted: string, error: unknown): Promise<Result | undefined> {
    const isFinal = error instanceof RiverError && !error.transient;
    const message = errorMessage(error);
    const inUse = environment.status?.digest;
    const ready = inUse === undefined ? message : `${message}\n${environment.status?.image} stays in use`;
    const untilMs = this.#options.clock.monotonic() + retryMs;
    if (!isFinal) this.#delayed.set(environment.metadata.name ?? '', { wanted, untilMs });
    const reason = isFinal ? 'BuildFailed' : 'WillRetry';
    await this.#write(environment, {
      phase: 'Failed',
      progress: null,
      ...(isFinal ? { wanted } : {}),
      conditions: this.#conditions(environment, [
        ['Built', false, reason, message],
        ['Ready', inUse !== undefined, reason, ready],
      ]),
    });
    this.#options.events.record(environment, { type: 'Warning', reason, message: message.slice(0, 1000) });
    return isFinal ? undefined : { requeueAfterMs: retryMs };
  }

  /** Nothing to build: what is no more needed of before goes. */
  async #settle(environment: Environment): Promise<undefined> {
    const { status, metadata } = environment;
    const history = await this.#historyLeft(environment);
    if (history.length !== status?.history?.length) {
      await this.#write(environment, { history });
      this.#enqueue(collection);
    } else if (status?.observedGeneration !== metadata.generation) await this.#write(environment, {});
    const nodes = holdersOf(metadata.name ?? '', this.#nodes.list());
    if (JSON.stringify(nodes) !== JSON.stringify(status?.nodes ?? []))
      await this.#write(environment, { nodes });
    return undefined;
  }

  async #historyLeft({ metadata: { name = '' }, spec, status }: Environment) {
    const history = status?.history ?? [];
    const inCache = (digest: string) => this.#runsOn(`${name}@${digest}`).length > 0;
    const left = kept(history, spec.keep, (digest) => digest === status?.digest || inCache(digest));
    if (left.length === history.length) return history;
    const bound = await this.#digestsOfRuns(name);
    return kept(history, spec.keep, (digest) => digest === status?.digest || bound.has(digest));
  }

  /** Not from the cache, which may be behind. What is not in use any more is bound to no further Run. */
  async #digestsOfRuns(name: string): Promise<Set<string>> {
    const { items } = await this.#options.client.list('Run', { fieldSelector: 'status.phase!=Succeeded' });
    const digests = items.flatMap(({ spec: { placement }, status }) =>
      placement?.environment?.name === name && !isTerminal(status?.phase ?? 'Pending')
        ? [placement.environment.digest]
        : [],
    );
    return new Set(digests);
  }

  /** One at a time; `gone`: of what is deleted right after. */
  #collect(gone?: string): Promise<void> {
    const work = this.#collecting.then(() => this.#collectNow(gone));
    this.#collecting = work.catch(() => {});
    return work;
  }

  async #collectNow(gone: string | undefined): Promise<void> {
    // Before the list is asked for, and with every build that begins after it: what they publish is in no list.
    this.#busy = new Set(this.#building.keys());
    // Not from the cache: what another one has published just now must be seen.
    const { items } = await this.#options.client.list('Environment');
    // Many a host has no engine, and none of these; it is not to ask for one.
    if (items.length === 0) return;
    const states = items
      .filter(({ metadata }) => metadata.name !== gone)
      .flatMap(({ metadata: { name = '' }, status }) =>
        (status?.history ?? []).map(({ digest }) => ({ name, digest })),
      );
    const uploads = items.flatMap(({ spec }) => (spec.steps ?? []).map(({ copy }) => copy?.sha256 ?? ''));
    const isBusy = (name: string) => this.#busy.has(name);
    await this.#options.builder.collect({ states, isBusy, uploads: new Set(uploads) });
  }

  async #release(environment: Environment): Promise<Result | undefined> {
    const { name = '', uid, resourceVersion } = environment.metadata;
    const present = environment.metadata.finalizers ?? [];
    if (!present.includes(finalizers.environment)) return undefined;
    const users = [
      ...this.#childrenOf(name)
        .filter(({ metadata }) => !metadata.deletionTimestamp)
        .map((child) => `environment ${child.metadata.name}`),
      ...(environment.status?.history ?? []).flatMap(({ digest }) =>
        this.#runsOn(`${name}@${digest}`).map((run) => `run ${run.metadata.name}`),
      ),
    ];
    if (users.length > 0) {
      const message = `it is deleted when nothing needs it: ${users.slice(0, 5).join(', ')}${users.length > 5 ? ', …' : ''}`;
      await this.#write(environment, {
        conditions: this.#conditions(environment, [['Ready', true, 'InUse', message]]),
      });
      return undefined;
    }
    await this.#collect(name);
    const left = present.filter((finalizer) => finalizer !== finalizers.environment);
    const patch = { metadata: { uid, resourceVersion, finalizers: left } };
    await unlessGone(this.#options.client.patch('Environment', '', name, patch));
    return undefined;
  }

  #conditions(environment: Environment, changes: readonly (readonly [string, boolean, string, string])[]) {
    const now = timestamp(this.#options.clock.now());
    return changes.reduce(
      (list, [type, isTrue, reason, message]) =>
        setCondition(list, { type, status: isTrue ? 'True' : 'False', reason, message }, now),
      environment.status?.conditions,
    );
  }

  #progressWriter(environment: Environment) {
    const { clock } = this.#options;
    let lastAt = Number.NEGATIVE_INFINITY;
    let lastPhase = '';
    let writes: Promise<void> = Promise.resolve();
    return {
      tell: ({ phase, text }: { phase: 'Building' | 'Publishing'; text?: string }) => {
        if (phase === lastPhase && clock.monotonic() - lastAt < progressMs) return;
        lastPhase = phase;
        lastAt = clock.monotonic();
        const patch = { phase, progress: text ?? null };
        // The build goes on, whatever becomes of a word about it.
        writes = writes.then(() => this.#write(environment, patch)).catch(() => {});
      },
      end: () => writes,
    };
  }

  async #write(environment: Environment, status: object): Promise<void> {
    const { name = '', uid, generation } = environment.metadata;
    const patch = { metadata: { uid }, status: { observedGeneration: generation, ...status } };
    await unlessGone(this.#options.client.patch('Environment', '', name, patch, { subresource: 'status' }));
  }
}

/** Somebody has chosen a digest of before, and the manifest is still the one that was there then. */
function isChosen(environment: Environment | undefined): boolean {
  const chosen = environment?.status?.chosen;
  return environment !== undefined && chosen !== undefined && chosen === environmentHash(environment.spec);
}

async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error;
  }
}
