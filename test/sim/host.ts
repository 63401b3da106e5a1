import { join } from 'node:path';
import Database from 'better-sqlite3';
import {
  type FilesystemReader,
  openSqliteStore,
  restoreBackup,
  type SqliteStore,
} from '../../pkg/store/index.ts';
import type { Part } from './chaos.ts';
import type { Disk } from './disk.ts';
import { refuseWhenFull } from './full-disk.ts';
import type { Incarnation, PlaceTime } from './incarnation.ts';
import type { SimNetwork } from './network.ts';
import { hostVersions } from './releases.ts';
import { simLogger } from './sim-logger.ts';
import type { StoreMonitor } from './store-monitor.ts';
import { copyTorn, markWal, tearWal, type WalMark } from './wal.ts';
import { type HostParts, wireHost } from './wire-host.ts';
import { between, chance, pick, type World } from './world.ts';

const database = 'river.db';
/** Few, so that crashes come before, in and after checkpoints, and a restart has not much to read. */
const checkpointPages = 100;
const filesystem: FilesystemReader = { type: () => 0, mountinfo: () => '' };

/** The host machine: its disk, and the lives of the host on it. */
export class SimHost implements Part {
  readonly name = 'host';
  onCrash: () => void = () => {};
  /** Probability that it dies inside a commit; asked before each. */
  dieInCommit: () => number = () => 0;
  /** For the self-check: a crash may lose what was acknowledged. */
  forgetful = false;
  readonly #world: World;
  readonly #network: SimNetwork;
  readonly #monitor: StoreMonitor;
  readonly #disk: Disk;
  #folder: string;
  #life: Incarnation | undefined;
  #store: SqliteStore | undefined;
  #upSinceMs = 0;
  #fullUntilMs = 0;
  #diesWithTurn = false;
  #backup: string | undefined;
  readonly #time: PlaceTime;

  constructor(world: World, disk: Disk, network: SimNetwork, monitor: StoreMonitor) {
    this.#world = world;
    this.#network = network;
    this.#monitor = monitor;
    this.#disk = disk;
    this.#folder = disk.fresh();
    this.#time = world.placeTime(0);
  }

  get up(): boolean {
    return this.#life !== undefined;
  }

  /** Of the present life. */
  get store(): SqliteStore {
    if (!this.#store) throw new Error('the host is down');
    return this.#store;
  }

  /** Virtual time since when it lives and can write. */
  get upSinceMs(): number | undefined {
    return this.#life && Math.max(this.#upSinceMs, this.#fullUntilMs);
  }

  /** Virtual time of its last start. */
  get startedMs(): number {
    return this.#upSinceMs;
  }

  /** Virtual time at which its clock was set last. */
  clockSetMs = 0;

  get canWrite(): boolean {
    return this.up && this.#world.time >= this.#fullUntilMs;
  }

  owns(life: Incarnation): boolean {
    return life === this.#life;
  }

  start(): void {
    const life = this.#world.incarnation(this.name, this.#time);
    this.#world.trace(life.name, 'starts');
    const logger = simLogger(life);
    const { clock, rng } = life;
    const store = openSqliteStore({
      directory: this.#folder,
      clock,
      rng,
      logger,
      filesystem,
      checkpointPages,
    });
    refuseWhenFull(store, ['transact', 'compact'], () => this.#world.time < this.#fullUntilMs);
    this.#life = life;
    this.#upSinceMs = this.#world.time;
    this.#store = store;
    // Before any part of the host writes: what was on disk is compared first.
    this.#monitor.attach(store).then(
      () => life.alive && this.#wire(life, store),
      (error) => life.alive && this.#world.fail(`the store cannot be read after a restart: ${error}`),
    );
  }

  /** Nothing can be written for so long; 0: from now on it can. */
  fillDisk(forMs: number): void {
    this.#fullUntilMs = this.#world.time + forMs;
    if (forMs === 0) return;
    this.#world.trace(this.name, 'disk full', `${Math.round(forMs)} ms`);
    this.#world.count('host: its disk is full');
  }

  /** It dies when what it is at now has been written, before it does anything because of it. */
  dieWithTurn(): void {
    this.#diesWithTurn = true;
  }

  setClock(): void {
    this.#time.skewMs = Math.round(between(this.#world.rng, -60_000, 60_000));
    this.clockSetMs = this.#world.time;
    this.#world.trace(this.name, 'sets its clock', String(this.#time.skewMs));
  }

  get hasBackup(): boolean {
    return this.#backup !== undefined;
  }

  /** A copy of the store as it is now, as one file. */
  backUp(): void {
    const folder = this.#disk.fresh();
    copyTorn(this.#folder, folder, database, { rng: this.#world.rng });
    const file = join(folder, database);
    const copy = new Database(file);
    copy.pragma('journal_mode = DELETE');
    copy.close();
    this.#backup = file;
    this.#monitor.backedUp(this.store.version());
    this.#world.trace(this.name, 'is backed up');
  }

  /** Its disk is lost, and another one has what the backup has. */
  restore(): void {
    if (!this.#backup) return;
    if (this.up) this.#die('for good', undefined);
    this.#folder = this.#disk.fresh();
    restoreBackup({ file: this.#backup, directory: this.#folder, rng: this.#world.rng, filesystem });
    this.#monitor.restored();
    this.start();
  }

  crash(why: string): void {
    this.#die(why, this.forgetful ? { salts: '', length: 0 } : undefined);
  }

  /** Runs one turn of the host, in which the store commits; sometimes the host dies before anyone hears of that. */
  runTurn(turn: () => void): void {
    const dies = this.#life !== undefined && chance(this.#world.rng, this.dieInCommit());
    const before = dies ? markWal(this.#folder, database) : undefined;
    turn();
    if (dies) this.#die('in a commit', before);
    else if (this.#diesWithTurn && this.up) this.#die('right after a commit', undefined);
    this.#diesWithTurn = false;
  }

  /** The end of the simulation. */
  release(): void {
    this.#life?.kill();
    this.#store?.abandon();
  }

  #wire(life: Incarnation, store: SqliteStore): void {
    const version = pick(life.rng, hostVersions);
    const parts: HostParts = { clock: life.clock, rng: life.rng, logger: simLogger(life), store, version };
    this.#world.trace(life.name, 'is of version', version);
    this.#monitor.hostVersion = version;
    this.#network.endpoint = { incarnation: life, client: wireHost(parts) };
    this.#world.trace(life.name, 'serves');
  }

  #die(why: string, acknowledged: WalMark | undefined): void {
    const { rng } = this.#world;
    // Nobody has the files open any more: what the crash leaves of them is made of themselves.
    this.#store?.abandon();
    const note = tearWal(this.#folder, database, { rng, acknowledged });
    this.#world.trace(this.#life?.name ?? this.name, `dies ${why}`, note);
    this.#world.count(`host: dies ${why}`);
    this.#life?.kill();
    this.#life = undefined;
    this.#store = undefined;
    this.onCrash();
  }
}
