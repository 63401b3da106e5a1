import { createHash, type Hash } from 'node:crypto';
import { type Rng, seededRng } from '../../pkg/base/index.ts';
import { Heap } from './heap.ts';
import { Incarnation, type PlaceTime } from './incarnation.ts';

/** 2026-01-01T00:00:00Z: where virtual wall time starts. */
const wallStartMs = 1_767_225_600_000;

/** Held from before anything could replace it: only the driver lets real time pass. */
const realImmediate = setImmediate;

/** Something that must never be was seen. The first one ends the simulation. */
export class Violation extends Error {}

/** More callbacks than this without time going on: something asks itself again and again. */
const livelockSteps = 100_000;

const turnsPerRound = 64;

/** Characters of the trace that are hashed at once. */
const hashedAtOnce = 16_384;

interface Event {
  at: number;
  tie: number;
  order: number;
  owner: Incarnation | undefined;
  callback: () => void;
  cancelled: boolean;
}

interface Turn {
  owner: Incarnation;
  callback: () => void;
}

/**
 * Virtual time and everything that is decided by the seed. Between two callbacks all promises are run to the end;
 * then turns (`nextTurn`), and only when nothing is left to do does time go on, to the next timer. Callbacks that
 * are due at the same time run in an order drawn from the seed.
 */
export class World {
  readonly seed: number;
  readonly rng: Rng;
  /** Milliseconds since the start. */
  time = 0;
  violation: Violation | undefined;
  steps = 0;
  /** How often each thing happened: what this seed covers. */
  readonly counts: Record<string, number> = {};
  /** Called around every turn of an incarnation; may kill it before its promises go on. */
  aroundTurn: ((owner: Incarnation, run: () => void) => void) | undefined;

  /** Called after every timer and message: for rules that hold at every moment. */
  afterEvent: (() => void) | undefined;

  readonly #events = new Heap<Event>(
    (left, right) =>
      left.at < right.at ||
      (left.at === right.at &&
        (left.tie < right.tie || (left.tie === right.tie && left.order < right.order))),
  );
  #turns: Turn[] = [];
  #order = 0;
  #stepsNow = 0;
  readonly #hash: Hash = createHash('sha256');
  #unhashed = '';
  readonly #print: ((line: string) => void) | undefined;
  #incarnations = 0;

  constructor(seed: number, print?: (line: string) => void) {
    this.seed = seed;
    this.rng = seededRng(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995);
    this.#print = print;
  }

  get wallMs(): number {
    return wallStartMs + this.time;
  }

  /** A new life of a part. Its clock and randomness are its own and end with it; `time`: the clocks of its machine. */
  incarnation(name: string, time: PlaceTime = this.placeTime(0)): Incarnation {
    this.#incarnations += 1;
    const rng = seededRng(this.rng.below(2 ** 32));
    return new Incarnation(this, `${name}#${this.#incarnations}`, rng, time);
  }

  placeTime(skewMs: number): PlaceTime {
    return { skewMs, bootMs: this.rng.below(1_000_000) };
  }

  /** Calls back after `delayMs`, unless its owner is dead by then. */
  after(owner: Incarnation | undefined, delayMs: number, callback: () => void): { cancel(): void } {
    this.#order += 1;
    const at = this.time + Math.max(0, delayMs);
    const event: Event = {
      at,
      tie: this.rng.below(1024),
      order: this.#order,
      owner,
      callback,
      cancelled: false,
    };
    this.#events.push(event);
    return {
      cancel: () => {
        event.cancelled = true;
      },
    };
  }

  turn(owner: Incarnation, callback: () => void): void {
    this.#turns.push({ owner, callback });
  }

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** One line of what happens; the hash of all lines is what two runs of one seed must share. */
  trace(who: string, what: string, more = ''): void {
    const line = `${(this.time / 1000).toFixed(4).padStart(11)} ${who.padEnd(10)} ${what}${more && ` ${more}`}`;
    this.#unhashed += line;
    if (this.#unhashed.length > hashedAtOnce) this.#hashTrace();
    this.#print?.(line);
  }

  #hashTrace(): void {
    this.#hash.update(this.#unhashed);
    this.#unhashed = '';
  }

  traceHash(): string {
    this.#hashTrace();
    return this.#hash.copy().digest('hex').slice(0, 16);
  }

  /** Records the first violation. Does not throw: the code under test might swallow it. */
  fail(message: string): void {
    this.trace('VIOLATION', message);
    this.violation ??= new Violation(message);
  }

  /** Runs until `untilMs` of virtual time, or until `done` says so. Throws the first violation. */
  run(untilMs: number, done?: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let over = false;
      const turn = () => {
        if (over) return;
        try {
          over = this.#step(untilMs, done);
          if (over) resolve();
        } catch (error) {
          over = true;
          reject(error);
        }
      };
      // Promises are run to the end between any two immediates, and a round of the real event loop costs as much as a step.
      const round = () => {
        turn();
        if (over) return;
        for (let count = 1; count < turnsPerRound; count += 1) realImmediate(turn);
        realImmediate(round);
      };
      realImmediate(round);
    });
  }

  /** One turn, or one timer. Answers whether that is all. */
  #step(untilMs: number, done: (() => boolean) | undefined): boolean {
    if (this.violation) throw this.violation;
    if (done?.()) return true;
    this.steps += 1;
    this.#stepsNow += 1;
    if (this.#stepsNow > livelockSteps) this.fail('time stands still: something never stops asking');
    if (this.#runTurn()) return false;
    const next = this.#events.peek();
    if (!next || next.at > untilMs) {
      this.time = Math.max(this.time, untilMs);
      return true;
    }
    this.#events.pop();
    if (next.cancelled || next.owner?.alive === false) return false;
    if (next.at > this.time) this.#stepsNow = 0;
    this.time = next.at;
    next.callback();
    this.afterEvent?.();
    return false;
  }

  /** The oldest turn of an incarnation drawn from the seed: order is kept within one, not between them. */
  #runTurn(): boolean {
    if (this.#turns.some((turn) => !turn.owner.alive))
      this.#turns = this.#turns.filter((turn) => turn.owner.alive);
    if (this.#turns.length === 0) return false;
    const owner = this.#turns[this.#turns.length === 1 ? 0 : this.rng.below(this.#turns.length)]!.owner;
    const index = this.#turns.findIndex((turn) => turn.owner === owner);
    const [turn] = this.#turns.splice(index, 1);
    if (this.aroundTurn) this.aroundTurn(owner, turn!.callback);
    else turn!.callback();
    return true;
  }
}

/** Integers and choices drawn from a generator. */
export function between(rng: Rng, low: number, high: number): number {
  return low + rng.next() * (high - low);
}

export function chance(rng: Rng, probability: number): boolean {
  return rng.next() < probability;
}

export function pick<T>(rng: Rng, items: readonly T[]): T {
  return items[rng.below(items.length)] as T;
}
