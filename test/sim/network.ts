import type { Identity } from '../../pkg/api/index.ts';
import { errorMessage, RiverError, type Rng } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import type { Incarnation } from './incarnation.ts';
import { linkClient } from './link-client.ts';
import { wire, wireError } from './wire.ts';
import { between, chance, type World } from './world.ts';

export interface NetworkFaults {
  minDelayMs: number;
  /** Less than `timeoutMs`: what was given up is lost or done, so that the model knows after one more wait. */
  maxDelayMs: number;
  /** Probabilities, for each message. */
  requestLoss: number;
  responseLoss: number;
  /** The host gets the request twice, at different times; the second answer goes nowhere. */
  repeat: number;
  /** For each request of a machine: it is on its way for far longer than its sender waits, or lives. */
  straggle: number;
  /** For each event on a watch: the stream breaks there. */
  watchCut: number;
}

export const calmNetwork: NetworkFaults = {
  minDelayMs: 1,
  maxDelayMs: 5,
  requestLoss: 0,
  responseLoss: 0,
  repeat: 0,
  straggle: 0,
  watchCut: 0,
};

export const timeoutMs = 10_000;

/** The host as it can be reached: its present life, and a client for each identity. */
export interface Endpoint {
  incarnation: Incarnation;
  client(identity: Identity): Client;
}

/** One end of the network: who calls, from where. */
export interface Link {
  owner: Incarnation;
  identity: Identity;
  /** Name of the machine, for partitions. */
  place: string;
}

/** What a caller got to know: the model takes it by its word. */
export type Delivered = (link: Link, method: string, result: unknown) => void;

/**
 * Between runners or users and the host. Requests and answers are delayed, lost and repeated; watches are delayed
 * in order, and cut; a place can be isolated. In a host's death everything under way from it is lost.
 */
export class SimNetwork {
  readonly world: World;
  readonly rng: Rng;
  faults: NetworkFaults = calmNetwork;
  endpoint: Endpoint | undefined;
  onDelivered: Delivered = () => {};
  /** For the self-check: answers writes with success, without asking the host. */
  lieAboutWrites = 0;
  readonly #isolated = new Set<string>();
  readonly #heardMs = new Map<string, number>();
  readonly #beatMs = new Map<string, number>();
  readonly #onIsolate = new Set<(place: string) => void>();

  constructor(world: World, rng: Rng) {
    this.world = world;
    this.rng = rng;
  }

  client(link: Link): Client {
    return linkClient(this, link);
  }

  reachable(place: string): boolean {
    return !this.#isolated.has(place);
  }

  isolate(place: string): void {
    this.#isolated.add(place);
    this.world.count('network: machine cut off');
    for (const listener of [...this.#onIsolate]) listener(place);
  }

  heal(place: string): void {
    this.#isolated.delete(place);
  }

  /** Virtual time at which the host last got a request from there. */
  heardMs(place: string): number {
    return this.#heardMs.get(place) ?? 0;
  }

  /** Virtual time of the last heartbeat from there that the host has accepted. */
  beatMs(place: string): number {
    return this.#beatMs.get(place) ?? 0;
  }

  watchIsolation(listener: (place: string) => void): () => void {
    this.#onIsolate.add(listener);
    return () => this.#onIsolate.delete(listener);
  }

  delay(): number {
    const { minDelayMs, maxDelayMs } = this.faults;
    // Most messages are quick, a few take as long as they may.
    return chance(this.rng, 0.8)
      ? between(this.rng, minDelayMs, minDelayMs + (maxDelayMs - minDelayMs) / 10)
      : between(this.rng, minDelayMs, maxDelayMs);
  }

  /** What arrives of a message. */
  copy<T>(value: T): T {
    try {
      return wire(value);
    } catch (error) {
      this.world.fail(`a message cannot be sent as JSON: ${errorMessage(error)}`);
      return value;
    }
  }

  /** One request and its answer. */
  call<T>(link: Link, label: string, perform: (client: Client) => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      let settled = false;
      const settle = (work: () => void) => {
        if (settled || !link.owner.alive) return;
        settled = true;
        timer.cancel();
        work();
      };
      const timer = this.world.after(link.owner, timeoutMs, () =>
        settle(() => reject(new RiverError('Timeout', `the host did not answer: ${label}`))),
      );
      if (!link.owner.alive) return;
      this.#send(link, label, perform, {
        value: (value) =>
          settle(() => {
            this.onDelivered(link, label, value);
            resolve(value);
          }),
        error: (error) => settle(() => reject(error)),
      });
    });
  }

  #send<T>(link: Link, label: string, perform: (client: Client) => Promise<T>, answer: Answer<T>): void {
    const { world, rng, faults } = this;
    if (chance(rng, faults.requestLoss)) {
      world.trace(link.owner.name, 'request lost', label);
      world.count('network: request lost');
      return;
    }
    world.after(undefined, this.#wayMs(link, label), () => this.#arrive(link, label, perform, answer));
    if (!chance(rng, faults.repeat)) return;
    world.trace(link.owner.name, 'request repeated', label);
    world.count('network: request repeated');
    const lateMs = between(rng, faults.minDelayMs, faults.maxDelayMs);
    world.after(undefined, lateMs, () => this.#arrive(link, label, perform, nobody));
  }

  /** People know after one more wait what has become of a deed; machines cannot count on that. */
  #wayMs({ identity, owner }: Link, label: string): number {
    if (identity.role !== 'node' || !chance(this.rng, this.faults.straggle)) return this.delay();
    this.world.trace(owner.name, 'request straggles', label);
    this.world.count('network: request straggles');
    return between(this.rng, 1_000, 40_000);
  }

  #arrive<T>(link: Link, label: string, perform: (client: Client) => Promise<T>, answer: Answer<T>): void {
    if (!this.reachable(link.place)) return;
    const endpoint = this.endpoint;
    if (!endpoint?.incarnation.alive) {
      const refused = new RiverError('ServiceUnavailable', 'the host refuses the connection');
      this.world.after(link.owner, this.delay(), () => answer.error(refused));
      return;
    }
    const arrivedMs = this.world.time;
    this.#heardMs.set(link.place, arrivedMs);
    const reply = (what: string, deliver: () => void) => {
      if (!endpoint.incarnation.alive || !this.reachable(link.place)) return;
      if (chance(this.rng, this.faults.responseLoss)) {
        this.world.trace(link.owner.name, 'response lost', `${label}: ${what}`);
        this.world.count('network: response lost');
        return;
      }
      this.world.after(link.owner, this.delay(), () => this.reachable(link.place) && deliver());
    };
    perform(endpoint.client(link.identity)).then(
      (value) => {
        if (label.startsWith('heartbeat')) this.#beatMs.set(link.place, arrivedMs);
        const copy = this.copy(value);
        reply('ok', () => answer.value(copy));
      },
      (error) => {
        const copy = wireError(error);
        this.world.trace(link.owner.name, 'refused', `${label}: ${copy.code} ${copy.message}`);
        this.world.count(`host: answers ${copy.code}`);
        reply(copy.code, () => answer.error(copy));
      },
    );
  }
}

interface Answer<T> {
  value(value: T): void;
  error(error: RiverError): void;
}

const nobody: Answer<unknown> = { value: () => {}, error: () => {} };
