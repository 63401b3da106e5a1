import { type Environment, environmentHash, finalizers, getCondition, isTerminal } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { EnvironmentBuilder, EnvironmentContainers, ParentEnvironment } from '../../builder/index.ts';
import type { Client } from '../../client/index.ts';
import type { Controller, EventRecorder, Informer, InformerSet, Result } from '../../controller/index.ts';
import { Builds } from './builds.ts';
import { ContainerKeeper } from './container-keeper.ts';
import { shownChanges } from './container-report.ts';
import { changedImages, holdersOf } from './holders.ts';
import { Requests } from './requests.ts';
import { Retention } from './retention.ts';
import { conditions, StatusWriter, unlessGone } from './status-writer.ts';
import { isChosen } from './wanted.ts';

export interface EnvironmentControllerOptions {
  client: Client;
  informers: InformerSet;
  events: EventRecorder;
  builder: EnvironmentBuilder;
  containers: EnvironmentContainers;
  clock: Clock;
}

/** More than builds: nothing else has to wait for these. */
const workers = 8;
/** Between two looks for what nobody needs; also right after it came to be. */
const collectMs = 3_600_000;
/** A key that no Environment can have as its name. */
const collection = '*';

type Base = { parent?: ParentEnvironment } | { obstacle: { reason: string; message: string } };

export class EnvironmentController implements Controller {
  readonly name = 'environment';
  readonly workers = workers;
  readonly #options: EnvironmentControllerOptions;
  readonly #environments: Informer<'Environment'>;
  readonly #runs: Informer<'Run'>;
  readonly #nodes: Informer<'Node'>;
  readonly #childrenOf: (name: string) => Environment[];
  readonly #status: StatusWriter;
  readonly #builds: Builds;
  readonly #retention: Retention;
  readonly #keeper: ContainerKeeper;
  readonly #requests: Requests;
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
    this.#status = new StatusWriter(options);
    const parts = {
      ...options,
      status: this.#status,
      enqueue: (name: string) => this.#enqueue(name),
      collect: () => this.#enqueue(collection),
    };
    this.#builds = new Builds(parts);
    const keeper = new ContainerKeeper(parts);
    this.#keeper = keeper;
    this.#requests = new Requests({
      ...parts,
      baseOf: (environment, container) => keeper.baseOf(environment, container),
    });
    this.#retention = new Retention({
      ...options,
      runs: this.#runs,
      publishing: () => [...this.#builds.names(), ...this.#requests.names()],
    });
  }

  watch(enqueue: (key: string) => void): void {
    this.#enqueue = enqueue;
    enqueue(collection);
    this.#environments.onChange((name, previous, current) => {
      this.#builds.onChange(name, previous, current);
      this.#requests.onChange(name, current);
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

  /** Gives up what is under way: the next start of the host does it again. */
  stop(): void {
    this.#builds.stop();
    this.#requests.stop();
    this.#keeper.stop();
  }

  async reconcile(name: string): Promise<Result | undefined> {
    this.#recovered ??= this.#options.builder.recover();
    await this.#recovered;
    if (name === collection) {
      await this.#retention.collect();
      return { requeueAfterMs: collectMs };
    }
    const environment = this.#environments.get(name);
    if (!environment || environment.metadata.deletionTimestamp) this.#builds.forget(name);
    if (!environment) {
      this.#keeper.forget(name);
      return undefined;
    }
    const { deletionTimestamp } = environment.metadata;
    const request = environment.status?.request;
    if (request && (!deletionTimestamp || request.action === 'discard')) {
      this.#retention.spare(name);
      return this.#requests.carryOut(environment, request);
    }
    const container = await this.#keeper.reconcile(environment);
    const rest = await (deletionTimestamp ? this.#release(environment) : this.#converge(environment));
    return sooner(container, rest);
  }

  async #converge(environment: Environment): Promise<Result | undefined> {
    const { name = '' } = environment.metadata;
    if (isChosen(environment)) return this.#settle(environment);
    const base = this.#baseOf(environment);
    if ('obstacle' in base) return this.#wait(environment, base.obstacle);
    const wanted = environmentHash(environment.spec, base.parent?.digest);
    if (environment.status?.wanted === wanted) return this.#settle(environment);
    this.#retention.spare(name);
    return this.#builds.build(environment, wanted, base.parent);
  }

  #baseOf({ spec }: Environment): Base {
    const parent = spec.from.environment;
    if (parent === undefined) return {};
    const digest = this.#environments.get(parent)?.status?.digest;
    if (digest !== undefined) return { parent: { name: parent, digest } };
    const message = this.#environments.get(parent)
      ? `environment ${parent} has no digest yet`
      : `environment ${parent} does not exist: apply it`;
    return { obstacle: { reason: 'ParentNotReady', message } };
  }

  async #wait(environment: Environment, { reason, message }: { reason: string; message: string }) {
    await this.#status.write(environment, {
      phase: 'Pending',
      conditions: conditions([
        ['BaseReady', false, reason, message],
        ['Ready', environment.status?.digest !== undefined, reason, message],
      ]),
    });
    return undefined;
  }

  /** Nothing to build: what is no more needed of before goes. */
  async #settle(environment: Environment): Promise<undefined> {
    const { status, metadata } = environment;
    const history = await this.#retention.historyLeft(environment);
    if (history.length !== status?.history?.length) {
      await this.#status.write(environment, { history });
      this.#enqueue(collection);
    } else if (status?.observedGeneration !== metadata.generation) await this.#status.write(environment, {});
    const nodes = holdersOf(metadata.name ?? '', this.#nodes.list());
    if (JSON.stringify(nodes) !== JSON.stringify(status?.nodes ?? []))
      await this.#status.write(environment, { nodes });
    return undefined;
  }

  async #release(environment: Environment): Promise<Result | undefined> {
    const { name = '', uid, resourceVersion, finalizers: present = [] } = environment.metadata;
    if (!present.includes(finalizers.environment)) return undefined;
    const container = environment.status?.container && containerInTheWay(environment);
    const users = [
      ...(container === undefined ? [] : [container]),
      ...this.#childrenOf(name)
        .filter(({ metadata }) => !metadata.deletionTimestamp)
        .map((child) => `environment ${child.metadata.name}`),
      ...this.#retention.users(environment).map((run) => `run ${run.metadata.name}`),
    ];
    if (users.length > 0) {
      const message = `it is deleted when nothing needs it: ${users.slice(0, 5).join(', ')}${users.length > 5 ? ', …' : ''}`;
      await this.#status.write(environment, {
        conditions: conditions([['Ready', true, 'InUse', message]]),
      });
      return undefined;
    }
    if (environment.status?.container) return undefined;
    await this.#retention.collect(name);
    await this.#options.builder.forget(name);
    const left = present.filter((finalizer) => finalizer !== finalizers.environment);
    const patch = { metadata: { uid, resourceVersion, finalizers: left } };
    await unlessGone(this.#options.client.patch('Environment', '', name, patch));
    return undefined;
  }
}

/** Of two answers the one that comes first. */
function sooner(one: Result | undefined, other: Result | undefined): Result | undefined {
  const all = [one, other].flatMap((result) => result?.requeueAfterMs ?? []);
  return all.length === 0 ? undefined : { requeueAfterMs: Math.min(...all) };
}

/** Undefined when it is about to go: its end wakes the loop up again. */
function containerInTheWay({ metadata: { name }, status }: Environment): string | undefined {
  const ready = getCondition(status?.conditions, 'ContainerReady');
  if (ready?.reason === 'Kept')
    return `its working container with ${shownChanges(status?.container?.changes)} (river discard env/${name} throws it away)`;
  return ready?.reason === 'EngineFailed' ? `its working container (${ready.message})` : undefined;
}
