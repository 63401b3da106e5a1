import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Rng } from '../../pkg/base/index.ts';
import { FakeExecutor, type FakeOperation } from '../../pkg/executor/fake/index.ts';
import type { ExecutionSpec } from '../../pkg/executor/index.ts';
import { type Intents, openIntents, Runner, RunnerCounters } from '../../pkg/runner/index.ts';
import { type Crashiness, noCrashes, type Machine as Restartable } from './chaos.ts';
import type { Disk } from './disk.ts';
import { refuseWhenFull } from './full-disk.ts';
import { environmentParts } from './images.ts';
import type { Incarnation } from './incarnation.ts';
import { type MachineMutation, SimMachine } from './machine.ts';
import type { SimNetwork } from './network.ts';
import { goodVersions, runnerVersion } from './releases.ts';
import type { Site } from './shapes.ts';
import { simLogger } from './sim-logger.ts';
import { copyTorn, markWal, type WalMark } from './wal.ts';
import { between, chance, pick, type World } from './world.ts';

const database = 'intents.db';
const intentWrites = [
  'put',
  'update',
  'forget',
  'setCluster',
  'setLeftovers',
  'putEnvironment',
  'forgetEnvironment',
] as const;

/** A machine with its disk, and the lives of the runner on it. */
export class SimNode implements Restartable {
  readonly name: string;
  readonly machine: SimMachine;
  onCrash: () => void = () => {};
  /** Its runner dies, and a start that it has asked for is to come long after that. */
  onOrphan: () => void = () => {};
  crashes: () => Crashiness = () => noCrashes;
  readonly #world: World;
  readonly #disk: Disk;
  readonly #network: SimNetwork;
  #folder: string;
  /** Without power until then. */
  #offUntilMs = 0;
  #life: Incarnation | undefined;
  #intents: Intents | undefined;
  #engineBackMs = 0;
  #fullUntilMs = 0;
  #startsHeldUntilMs = 0;
  /** Its runner dies around the start that is sent now, which comes to the engine long after that. */
  #nextIsLate = false;
  /** It can bring environments to its machine. */
  hasEnvironments = false;
  #version: string = goodVersions[0];
  #isSettled = false;

  constructor(world: World, disk: Disk, network: SimNetwork, site: Site, mutation: MachineMutation) {
    this.#world = world;
    this.#disk = disk;
    this.#network = network;
    this.name = site.name;
    this.machine = new SimMachine(world, site.name, site.shape, mutation);
    this.#folder = disk.fresh();
    mkdirSync(this.#folder);
  }

  get up(): boolean {
    return this.#life !== undefined;
  }

  /** Its engine answers. */
  get hasEngine(): boolean {
    return this.#world.time >= this.#engineBackMs;
  }

  /** Its runner can write nothing. */
  get isFull(): boolean {
    return this.#world.time < this.#fullUntilMs;
  }

  owns(life: Incarnation): boolean {
    return life === this.#life;
  }

  start(): void {
    const offMs = this.#offUntilMs - this.#world.time;
    if (offMs > 0) {
      this.#world.after(undefined, offMs, () => this.up || this.start());
      return;
    }
    const life = this.#world.incarnation(this.name, this.machine.time);
    this.#world.trace(life.name, 'starts');
    const intents = openIntents(join(this.#folder, database), life.clock);
    refuseWhenFull(intents, intentWrites, () => this.isFull);
    if (!this.#isSettled) this.#version = runnerVersion(life.rng);
    this.#life = life;
    this.#intents = intents;
    const { clock, rng } = life;
    const identity = { role: 'node' as const, name: this.name };
    const link = { owner: life, identity, place: this.name };
    const client = this.#network.client(link);
    const { images } = this.machine;
    const parts = environmentParts(images, this.#network, link, () => this.#imageFault());
    const { bootId, shape } = this.machine;
    const { cores, memoryBytes } = shape;
    const facts = { cores, memoryBytes, versions: { river: this.#version } };
    new Runner({
      settings: {
        name: this.name,
        labels: {},
        reserved: { cores: 0, memoryBytes: 0 },
        runtimes: ['process', 'docker'],
        localTempDir: '/tmp',
        logDir: '/logs',
        stopGraceMs: 2_000,
        addresses: [],
        gpuDevices: {},
      },
      client,
      executors: () => this.#executors(life),
      ...(this.hasEnvironments && { environments: parts }),
      intents,
      machine: {
        facts: () => facts,
        topology: async () => this.machine.topology(),
        usage: () => ({ cpuPercent: rng.below(100) }),
      },
      readBootId: () => bootId,
      folders: { ensureFolder: () => {}, removeFile: () => {} },
      clock,
      rng,
      logger: simLogger(life),
      counters: new RunnerCounters(),
      onEnded: (error) => this.#world.fail(`${this.name}: the runner gave up: ${error.message}`),
    }).start();
  }

  crash(why: string): void {
    this.#die(why, undefined);
  }

  setClock(): void {
    this.machine.setClock();
  }

  reboot(): void {
    this.#world.trace(this.name, 'reboots');
    this.#world.count('machine: reboots');
    this.machine.reboot();
    if (this.up) this.#die('in a reboot', undefined);
  }

  fillDisk(forMs: number): void {
    this.#fullUntilMs = this.#world.time + forMs;
    if (forMs === 0) return;
    this.#world.trace(this.name, 'disk full', `${Math.round(forMs)} ms`);
    this.#world.count('runner: its disk is full');
  }

  /** Its engine comes to no start that it is asked for before that time is over. */
  holdStarts(forMs: number): void {
    this.#world.trace(this.name, 'holds starts up', `${Math.round(forMs)} ms`);
    this.#startsHeldUntilMs = this.#world.time + forMs;
  }

  /** From now on its runner is one that works with every host. */
  settle(): void {
    this.#isSettled = true;
    this.#startsHeldUntilMs = 0;
    if (goodVersions.some((version) => version === this.#version)) return;
    this.#version = goodVersions[1];
    if (this.up) this.#die('for an upgrade', undefined);
  }

  /** Somebody removes by hand what the machine shows of a Run, and what runs of it. */
  forgetOne(): void {
    const known = [...this.machine.history.values()].filter(({ runUid }) =>
      this.machine.isForgettable(runUid),
    );
    if (known.length === 0) return;
    const { runUid, runName } = pick(this.#world.rng, known);
    this.#world.trace(this.name, 'forgets', runName);
    this.#world.count('engine: forgets a run');
    this.machine.forget(runUid);
  }

  loseImage(): void {
    this.machine.images.vanish();
  }

  /** One of its GPUs breaks; mostly it is well again after that time. */
  breakGpu(forMs: number): void {
    const { gpus } = this.machine.shape.topology;
    if (gpus.length === 0) return;
    const { uuid } = pick(this.#world.rng, gpus);
    this.#world.trace(this.name, 'GPU breaks', `${uuid} for ${Math.round(forMs)} ms`);
    this.#world.count('machine: a GPU breaks');
    this.machine.sick.add(uuid);
    if (chance(this.#world.rng, 0.7))
      this.#world.after(undefined, forMs, () => this.machine.sick.delete(uuid));
  }

  /** Everything on it ends, and its runner comes back only after that time. */
  powerOff(forMs: number): void {
    this.#world.trace(this.name, 'loses power');
    this.#offUntilMs = this.#world.time + forMs;
    this.reboot();
  }

  stopEngine(forMs: number): void {
    this.#engineBackMs = this.#world.time + forMs;
    if (forMs === 0) return;
    this.#world.trace(this.name, 'engine away', `${Math.round(forMs)} ms`);
    this.#world.count('engine: away for a while');
  }

  /** Runs one turn of the runner, in which it commits its intents; sometimes it dies before it goes on. */
  runTurn(turn: () => void): void {
    const dies = chance(this.#world.rng, this.crashes().runnerCommit);
    const before = dies ? markWal(this.#folder, database) : undefined;
    turn();
    if (dies && this.up) this.#die('in a commit', before);
  }

  /** The end of the simulation. */
  release(): void {
    this.#life?.kill();
    this.#intents?.close();
  }

  #executors(life: Incarnation): FakeExecutor[] {
    const shared = {
      machine: this.machine.seenBy(life),
      clock: life.clock,
      latencyMs: (operation: FakeOperation) => this.#latencyMs(life, operation),
      inject: (operation: FakeOperation, _runUid: string | undefined, spec?: ExecutionSpec) => {
        // What a dead process would still have done after the last commit, it did not do.
        if (!life.alive) return 'before';
        return this.#mishap(life, operation, spec);
      },
    };
    return [
      new FakeExecutor({ ...shared, runtime: 'process' }),
      new FakeExecutor({ ...shared, runtime: 'docker' }),
    ];
  }

  #imageFault(): boolean {
    return !this.hasEngine || chance(this.#world.rng, this.crashes().executorCall);
  }

  /** Mostly quick; a busy engine may come to a start only after its sender has died and another has asked again. */
  #latencyMs({ rng }: Incarnation, operation: FakeOperation): number {
    if (operation === 'start') return this.#startLatencyMs(rng);
    if (operation === 'pause' && chance(rng, 0.3)) return between(rng, 10, 5_000);
    return chance(rng, 0.9) ? between(rng, 0, 10) : between(rng, 10, 1_500);
  }

  #startLatencyMs(rng: Rng): number {
    const heldMs = this.#startsHeldUntilMs - this.#world.time;
    const isLate = this.#nextIsLate;
    this.#nextIsLate = false;
    if (heldMs > 0) {
      this.#world.count('engine: holds a start up for long');
      return heldMs + between(rng, 0, 2_000);
    }
    if (!isLate && !chance(rng, this.crashes().executorCall * 4))
      return chance(rng, 0.9) ? between(rng, 0, 10) : between(rng, 10, 1_500);
    this.#world.count('engine: very late start');
    return isLate ? between(rng, 10_000, 100_000) : between(rng, 1_500, 30_000);
  }

  /** The engine may not answer; the runner may die at any moment around the call. */
  #mishap(life: Incarnation, operation: FakeOperation, spec?: ExecutionSpec): 'before' | 'after' | undefined {
    const { rng } = this.#world;
    if (!this.hasEngine) return 'before';
    // A death between the decision to start and the knowledge of it is what exactly-once is about.
    const isCritical = operation === 'start' || operation === 'pause';
    const probability = this.crashes().executorCall * (isCritical ? 4 : 1);
    if (chance(rng, probability)) {
      const delayMs = chance(rng, 0.3) ? 0 : between(rng, 0, 30);
      const reboots = operation === 'start' && chance(rng, 0.3);
      this.#nextIsLate = operation === 'start' && !reboots && chance(rng, 0.7);
      if (this.#nextIsLate) this.onOrphan();
      this.#world.after(life, delayMs, () =>
        reboots ? this.reboot() : this.#die(`around ${operation}`, undefined),
      );
    }
    if (!chance(rng, probability)) return undefined;
    if (spec && chance(rng, 0.4)) {
      this.machine.startLater(between(rng, 10, 30_000), spec);
      return 'before';
    }
    const when = chance(rng, 0.5) ? 'before' : 'after';
    this.#world.count(`engine: no answer ${when} ${operation}`);
    return when;
  }

  #die(why: string, acknowledged: WalMark | undefined): void {
    const life = this.#life;
    const intents = this.#intents;
    const folder = this.#folder;
    const next = this.#disk.fresh();
    const note = copyTorn(folder, next, database, { rng: this.#world.rng, acknowledged });
    this.#world.trace(life?.name ?? this.name, `dies ${why}`, note);
    this.#world.count(`runner: dies ${why}`);
    life?.kill();
    // Its code may still be in the middle of something that reads.
    this.#world.after(undefined, 1, () => {
      this.#disk.drop(folder);
      intents?.close();
    });
    this.#life = undefined;
    this.#intents = undefined;
    this.#folder = next;
    this.onCrash();
  }
}
