import type { Rng } from '../../pkg/base/index.ts';
import { calmNetwork, type NetworkFaults, type SimNetwork } from './network.ts';
import { between, chance, pick, type World } from './world.ts';

/** Something that can die and come back. */
export interface Part {
  readonly name: string;
  readonly up: boolean;
  start(): void;
  crash(why: string): void;
  /** Its wall clock jumps. */
  setClock(): void;
  /** Nothing can be written for so long; 0: from now on it can. */
  fillDisk(forMs: number): void;
  /** Called after each crash, whatever caused it. */
  onCrash: () => void;
}

/** A machine can also restart as a whole, and its engine can be away. */
export interface Machine extends Part {
  reboot(): void;
  /** Its engine answers nothing for so long, while what it has started goes on; 0: from now on it does. */
  stopEngine(forMs: number): void;
  breakGpu(forMs: number): void;
  /** Its engine loses something that it ran. */
  forgetOne(): void;
  loseImage(): void;
  /** Whatever is left of old versions goes. */
  settle(): void;
}

/** How likely it is that a part dies right at one of its seams: before an effect, after it, inside a commit. */
export interface Crashiness {
  hostCommit: number;
  runnerCommit: number;
  executorCall: number;
}

export const noCrashes: Crashiness = { hostCommit: 0, runnerCommit: 0, executorCall: 0 };

const networks: readonly NetworkFaults[] = [
  calmNetwork,
  // Something in between closes connections that are idle, or old.
  { ...calmNetwork, maxDelayMs: 500, watchCut: 0.1 },
  {
    minDelayMs: 1,
    maxDelayMs: 200,
    requestLoss: 0.01,
    responseLoss: 0.01,
    repeat: 0.05,
    straggle: 0.01,
    watchCut: 0.002,
  },
  {
    minDelayMs: 1,
    maxDelayMs: 3_000,
    requestLoss: 0.05,
    responseLoss: 0.05,
    repeat: 0.3,
    straggle: 0.03,
    watchCut: 0.02,
  },
  {
    minDelayMs: 1,
    maxDelayMs: 4_000,
    requestLoss: 0,
    responseLoss: 0.1,
    repeat: 1,
    straggle: 0.02,
    watchCut: 0.01,
  },
  {
    minDelayMs: 20,
    maxDelayMs: 4_000,
    requestLoss: 0.2,
    responseLoss: 0.2,
    repeat: 0.3,
    straggle: 0.05,
    watchCut: 0.1,
  },
];

const crashiness: readonly Crashiness[] = [
  noCrashes,
  { hostCommit: 0.002, runnerCommit: 0.005, executorCall: 0.01 },
  { hostCommit: 0.02, runnerCommit: 0.03, executorCall: 0.05 },
];

/** Everything that goes wrong in one seed, until it is told to stop. Each seed has its own mixture, some have nothing. */
export class Chaos {
  readonly #world: World;
  readonly #rng: Rng;
  readonly #network: SimNetwork;
  readonly #host: Part;
  readonly #machines: readonly Machine[];
  #crashes: Crashiness;
  #over = false;

  constructor(world: World, network: SimNetwork, host: Part, machines: readonly Machine[]) {
    this.#world = world;
    this.#network = network;
    this.#host = host;
    this.#machines = machines;
    this.#rng = world.rng;
    this.#crashes = pick(this.#rng, crashiness);
    network.faults = pick(this.#rng, networks);
    for (const part of [host, ...machines]) part.onCrash = () => this.#restartLater(part);
    this.#world.trace('chaos', 'begins', JSON.stringify({ network: network.faults, crashes: this.#crashes }));
  }

  get crashes(): Crashiness {
    return this.#crashes;
  }

  /** Plans what happens at its own times until `endMs`. */
  plan(endMs: number): void {
    const often = pick(this.#rng, [0, 1, 3, 6]);
    const times = (most: number) =>
      Array.from({ length: this.#rng.below(most + 1) }, () => between(this.#rng, 0, endMs));
    const at = (time: number, act: () => void) =>
      this.#world.after(undefined, time, () => this.#over || act());
    for (const time of times(often)) at(time, () => this.#host.up && this.#host.crash('killed'));
    for (const part of [this.#host, ...this.#machines])
      for (const time of times(often * 4)) at(time, () => part.setClock());
    for (const part of [this.#host, ...this.#machines])
      for (const time of times(Math.ceil(often / 3)))
        at(time, () => part.fillDisk(between(this.#rng, 500, 40_000)));
    for (const machine of this.#machines) {
      for (const time of times(often)) at(time, () => machine.up && machine.crash('killed'));
      for (const time of times(Math.ceil(often / 2))) at(time, () => machine.reboot());
      for (const time of times(Math.ceil(often / 2))) at(time, () => this.#isolate(machine.name));
      for (const time of times(Math.ceil(often / 2)))
        at(time, () => machine.stopEngine(between(this.#rng, 1_000, 60_000)));
      for (const time of times(Math.ceil(often / 3))) at(time, () => this.#host.up && machine.forgetOne());
      for (const time of times(often)) at(time, () => machine.loseImage());
      for (const time of times(2)) at(time, () => machine.breakGpu(between(this.#rng, 10_000, 90_000)));
    }
  }

  /** From now on nothing fails any more, and everything is up. */
  end(): void {
    this.#over = true;
    this.#crashes = noCrashes;
    this.#network.faults = calmNetwork;
    this.#world.trace('chaos', 'is over');
    for (const machine of this.#machines) {
      this.#network.heal(machine.name);
      machine.stopEngine(0);
      machine.settle();
    }
    for (const part of [this.#host, ...this.#machines]) part.fillDisk(0);
    for (const part of [this.#host, ...this.#machines]) if (!part.up) part.start();
  }

  #restartLater(part: Part): void {
    // Often at once, sometimes for longer than a lease lasts.
    const downMs = chance(this.#rng, 0.7) ? between(this.#rng, 10, 5_000) : between(this.#rng, 5_000, 60_000);
    this.#world.after(undefined, downMs, () => part.up || part.start());
  }

  #isolate(place: string): void {
    this.#world.trace('chaos', 'isolates', place);
    this.#network.isolate(place);
    this.#world.after(undefined, between(this.#rng, 1_000, 90_000), () => {
      this.#world.trace('chaos', 'heals', place);
      this.#network.heal(place);
    });
  }
}
