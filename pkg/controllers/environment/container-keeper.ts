import {
  type ContainerChanges,
  type Environment,
  getCondition,
  parseCores,
  parseQuantity,
} from '../../api/index.ts';
import { type Clock, errorMessage, hasCode, RiverError } from '../../base/index.ts';
import {
  type ContainerState,
  containerName,
  type EnvironmentContainers,
  isClean,
  noChanges,
} from '../../builder/index.ts';
import type { EventRecorder, Result } from '../../controller/index.ts';
import { containerCondition, containerStatus, shownChanges } from './container-report.ts';
import { containerStep, type ObservedContainer, type WantedContainer } from './container-step.ts';
import { type ConditionChange, conditions, type StatusWriter } from './status-writer.ts';

export interface ContainerKeeperParts {
  containers: EnvironmentContainers;
  events: EventRecorder;
  clock: Clock;
  status: StatusWriter;
  /** Looks at the Environment again. */
  enqueue(name: string): void;
}

/** Between two looks at what has changed in it: while somebody is in it, and when the engine tells of something. */
const inUseMs = 30_000;
const eventMs = 250;
/** So many times as long as a look takes there is none: a container with a million new files keeps no engine busy. */
const restOfLook = 20;
/** Until something that the engine could not do is tried again. */
const retryMs = 15_000;
const rounds = 8;

interface Seen {
  id: string;
  base: string;
  changes: ContainerChanges | undefined;
  atMs: number;
  /** How long the engine needed for it. */
  tookMs: number;
}

/** Keeps the working containers as the manifests say, and says in the status what is in them. */
export class ContainerKeeper {
  readonly #parts: ContainerKeeperParts;
  readonly #seen = new Map<string, Seen>();
  /** Names of whose container the engine has told something since it was looked at. */
  readonly #told = new Set<string>();
  /** Images that cannot be worked in: only another one is tried. */
  readonly #refused = new Map<string, { digest: string; error: unknown }>();
  #following: { close(): void } | undefined;

  constructor(parts: ContainerKeeperParts) {
    this.#parts = parts;
  }

  stop(): void {
    this.#following?.close();
  }

  forget(name: string): void {
    for (const each of [this.#seen, this.#told, this.#refused]) each.delete(name);
  }

  /** Whatever the engine does is told in the status, and never raised: builds go on without it. */
  async reconcile(environment: Environment): Promise<Result | undefined> {
    const { metadata, status } = environment;
    const { name = '' } = metadata;
    const wanted = wantedContainer(environment);
    if (!wanted && !status?.container) return undefined;
    try {
      this.#follow(name);
      const found = await this.#converge(environment, wanted);
      await this.#report(environment, found, containerCondition(name, wanted, found));
      return this.#nextLook(name, found);
    } catch (error) {
      // What was told is not known to be seen.
      this.#told.add(name);
      const reason = hasCode(error, 'Invalid') ? 'CannotRun' : 'EngineFailed';
      await this.#tell(environment, {}, ['ContainerReady', false, reason, errorMessage(error)]);
      return this.#refused.get(name)?.error === error ? undefined : { requeueAfterMs: retryMs };
    }
  }

  /** Digest that it was made from or last committed as. */
  baseOf({ status }: Environment, { id, digest }: Pick<ContainerState, 'id' | 'digest'>): string {
    return status?.container?.id === id ? (status.container.digest ?? digest) : digest;
  }

  async #converge(
    environment: Environment,
    wanted: WantedContainer | undefined,
  ): Promise<ObservedContainer | undefined> {
    for (let round = 0; round < rounds; round += 1) {
      const first = await this.#observe(environment, false);
      const isGuess = !first.isFresh && containerStep(wanted, first.found) === 'remove';
      // It is never removed because of what was so a moment ago.
      const { found } = isGuess ? await this.#observe(environment, true) : first;
      const step = containerStep(wanted, found);
      if (step === 'done') return found;
      await this.#carryOut(environment, step, wanted);
    }
    throw new RiverError(
      'ServiceUnavailable',
      'the working container does not stay as it is put; it is tried again',
    );
  }

  async #carryOut(
    environment: Environment,
    step: Exclude<ReturnType<typeof containerStep>, 'done'>,
    wanted: WantedContainer | undefined,
  ): Promise<void> {
    const { name = '' } = environment.metadata;
    const { containers } = this.#parts;
    if (step === 'remove' || step === 'start' || step === 'stop') return containers[step](name);
    if (wanted && step === 'limit') return containers.limit(name, wanted.limits);
    if (wanted) await this.#create(environment, wanted);
  }

  async #create(environment: Environment, { digest, limits }: WantedContainer): Promise<void> {
    const { name = '' } = environment.metadata;
    const refused = this.#refused.get(name);
    if (refused?.digest === digest) throw refused.error;
    // On disk before there is one: whatever is made is found and removed again.
    if (!environment.status?.container)
      await this.#parts.status.patch(environment, {
        container: { name: containerName(name), phase: 'Creating' },
      });
    try {
      await this.#parts.containers.create(name, digest, limits);
    } catch (error) {
      if (error instanceof RiverError && error.code === 'Invalid') this.#refused.set(name, { digest, error });
      throw error;
    }
  }

  /** `isFresh`: what has changed in it was asked just now. */
  async #observe(
    environment: Environment,
    mustAsk: boolean,
  ): Promise<{ found?: ObservedContainer; isFresh: boolean }> {
    const { name = '' } = environment.metadata;
    // Taken off before it is looked at: what is told meanwhile is for the next look.
    const wasTold = this.#told.delete(name);
    const found = await this.#parts.containers.find(name);
    if (!found) {
      this.#seen.delete(name);
      return { isFresh: true };
    }
    const base = this.baseOf(environment, found);
    const seen = this.#seen.get(name);
    const isSame = seen?.id === found.id && seen.base === base;
    if (isSame && !mustAsk && this.#ageMs(seen) < goodForMs(wasTold, found, seen)) {
      if (wasTold) this.#told.add(name);
      return { found: { ...found, base, changes: seen.changes }, isFresh: false };
    }
    const { clock } = this.#parts;
    const beganMs = clock.monotonic();
    const changes = await this.#changes(name, found, base);
    const atMs = clock.monotonic();
    this.#seen.set(name, { id: found.id, base, changes, atMs, tookMs: atMs - beganMs });
    return { found: { ...found, base, changes }, isFresh: true };
  }

  /** The engine compares with the image that it was made from alone. */
  async #changes(name: string, found: ContainerState, base: string): Promise<ContainerChanges | undefined> {
    const { containers } = this.#parts;
    if (base === found.digest) return containers.changes(name);
    if (found.inUse) return undefined;
    return (await containers.isCommitted(name, base)) ? noChanges : containers.changes(name);
  }

  #ageMs({ atMs }: Seen): number {
    return this.#parts.clock.monotonic() - atMs;
  }

  #nextLook(name: string, found: ObservedContainer | undefined): Result | undefined {
    const seen = this.#seen.get(name);
    if (!found || !seen) return undefined;
    const leftMs = goodForMs(this.#told.has(name), found, seen) - this.#ageMs(seen);
    return leftMs === Number.POSITIVE_INFINITY ? undefined : { requeueAfterMs: Math.max(0, leftMs) };
  }

  async #report(
    environment: Environment,
    found: ObservedContainer | undefined,
    condition: ConditionChange,
  ): Promise<void> {
    const lost = this.#lost(environment, found);
    const told = condition[2] === 'Running' ? (lost ?? condition) : condition;
    await this.#tell(environment, { container: containerStatus(found) }, told);
  }

  /** The engine has not any more what was in the one of before. It is said for as long as the new one is there. */
  #lost(environment: Environment, found: ObservedContainer | undefined): ConditionChange | undefined {
    const { container, conditions: present } = environment.status ?? {};
    if (!found || !container?.id) return undefined;
    const before = getCondition(present, 'ContainerReady');
    if (container.id === found.id)
      return before?.reason === 'MadeAnew'
        ? ['ContainerReady', true, 'MadeAnew', before.message ?? '']
        : undefined;
    if (!container.changes || isClean(container.changes)) return undefined;
    const message = `the engine has lost the one of before, with ${shownChanges(container.changes)}; it was made anew`;
    this.#parts.events.record(environment, { type: 'Warning', reason: 'ContainerLost', message });
    return ['ContainerReady', true, 'MadeAnew', message];
  }

  async #tell(environment: Environment, change: object, condition: ConditionChange): Promise<void> {
    const { status } = this.#parts;
    await status.patch(environment, { ...change, conditions: conditions([condition]) });
  }

  #follow(name: string): void {
    const { containers, enqueue } = this.#parts;
    if (!this.#seen.has(name)) this.#told.add(name);
    this.#following ??= containers.follow((one) => {
      for (const each of one === undefined ? this.#seen.keys() : [one]) {
        this.#told.add(each);
        enqueue(each);
      }
    });
  }
}

function goodForMs(wasTold: boolean, { inUse }: ContainerState, { tookMs }: Seen): number {
  const leastMs = tookMs * restOfLook;
  if (wasTold) return Math.max(eventMs, leastMs);
  return inUse ? Math.max(inUseMs, leastMs) : Number.POSITIVE_INFINITY;
}

function wantedContainer({ metadata, spec, status }: Environment): WantedContainer | undefined {
  if (!spec.interactive || metadata.deletionTimestamp || status?.digest === undefined) return undefined;
  const { cores = 0, memory } = spec.limits ?? {};
  return {
    digest: status.digest,
    suspend: spec.suspend === true,
    limits: { milliCores: parseCores(cores), memoryBytes: memory === undefined ? 0 : parseQuantity(memory) },
  };
}
