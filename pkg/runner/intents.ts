import { chmodSync, existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { RunStatus, Runtime } from '../api/index.ts';
import { type Clock, RiverError } from '../base/index.ts';
import type { ExecutionSpec } from '../executor/index.ts';
import { type EnvironmentReference, keyOf } from './environments/source.ts';
import { migrateIntents } from './intents-schema.ts';
import type { Moment } from './moments.ts';

export type StopReason = 'Stopped' | 'Drained' | 'DeadlineExceeded';

/** What this runner has set out to do for one Run: recorded before it happens. Says nothing about whether it did. */
export interface Intent {
  uid: string;
  namespace: string;
  name: string;
  runtime: Runtime;
  /** What it runs in, when that is an environment. */
  environment?: EnvironmentReference;
  /** Left out once the host has acknowledged the end: only output files and the outcome matter then. */
  spec?: ExecutionSpec;
  outPath: string;
  errPath: string;
  /** Of the run, from its start. */
  timeoutMs?: number;
  /** Of the host when the intent was recorded. */
  epoch: string;
  /** Boot of the machine in which `start` was first called; absent: it never was. */
  startBootId?: string;
  /** When that was. */
  startingAt?: Moment;
  /** When its program began, as reckoned when it was first seen; only of a run with a timeout. */
  runningSince?: Moment;
  /** Milliseconds since the epoch: since when it is paused, or is being so. Absent: it is not. */
  pausedAt?: number;
  /** The same, on both clocks. */
  pausedSince?: Moment;
  /** How long the pauses before that lasted. */
  pausedMs?: number;
  /** It may have been moved to other CPUs than it was started on, because others pinned some. */
  confined?: boolean;
  stopReason?: StopReason;
  /** Milliseconds since the epoch. */
  stopRequestedAt?: number;
  /** The same, on both clocks. */
  stopRequestedSince?: Moment;
  /** How it ended, when that is decided. */
  outcome?: RunStatus;
  /** Epoch of the host that has acknowledged the outcome. */
  acknowledgedEpoch?: string;
}

/** An image that this runner has loaded. */
export interface EnvironmentRecord extends EnvironmentReference {
  /** Milliseconds since the epoch. */
  lastUsedAt: number;
}

export interface ClusterMark {
  clusterUid: string;
  epoch: string;
}

interface Row {
  uid: string;
  namespace: string;
  name: string;
  body: string;
}

interface Write {
  run(): void;
  resolve(): void;
  reject(error: unknown): void;
}

/** So many are kept parsed: a run that is being converged is read at every round. */
const keptAtOnce = 256;

/**
 * The runner's memory: one small SQLite file. Writes of one event-loop turn share a commit (a thousand short
 * processes a second must not wait for the disk one by one) and resolve when they are on disk. No transaction is
 * ever left open between turns.
 */
export class Intents {
  readonly #database: Database.Database;
  readonly #clock: Clock;
  readonly #select: Database.Statement<[string], Row>;
  readonly #replace: Database.Statement<[string, string, string, string | null, string]>;
  readonly #delete: Database.Statement<[string]>;
  readonly #unfinished: Database.Statement<[string], { uid: string }>;
  readonly #uids: Database.Statement<[], { uid: string }>;
  readonly #readMeta: Database.Statement<[string], { body: string }>;
  readonly #writeMeta: Database.Statement<[string, string]>;
  readonly #removeMeta: Database.Statement<[string]>;
  readonly #runAll: (batch: readonly Write[]) => void;
  /** What is on disk of those that were read last. */
  readonly #kept = new Map<string, Intent>();
  #batch: Write[] = [];

  constructor(database: Database.Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    this.#select = database.prepare('SELECT * FROM intents WHERE uid = ?');
    this.#replace = database.prepare(
      'INSERT OR REPLACE INTO intents (uid, namespace, name, acknowledged, body) VALUES (?, ?, ?, ?, ?)',
    );
    this.#delete = database.prepare('DELETE FROM intents WHERE uid = ?');
    this.#unfinished = database.prepare('SELECT uid FROM intents WHERE acknowledged IS NOT ?');
    this.#uids = database.prepare('SELECT uid FROM intents');
    this.#readMeta = database.prepare('SELECT body FROM meta WHERE key = ?');
    this.#writeMeta = database.prepare('INSERT OR REPLACE INTO meta (key, body) VALUES (?, ?)');
    this.#removeMeta = database.prepare('DELETE FROM meta WHERE key = ?');
    this.#runAll = database.transaction((batch) => {
      for (const write of batch) write.run();
    });
  }

  get(uid: string): Readonly<Intent> | undefined {
    const kept = this.#kept.get(uid);
    if (kept) return kept;
    const intent = this.#read(uid);
    if (!intent) return undefined;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < keptAtOnce) break;
      this.#kept.delete(oldest);
    }
    this.#kept.set(uid, intent);
    return intent;
  }

  /** Those whose end the host has not acknowledged in this epoch: what a new runner has to look after. */
  unfinished(epoch: string | undefined): string[] {
    return this.#unfinished.all(epoch ?? '').map((row) => row.uid);
  }

  uids(): string[] {
    return this.#uids.all().map((row) => row.uid);
  }

  /** Creates or replaces. Raises `ServiceUnavailable` when the disk refuses. */
  put(intent: Intent): Promise<void> {
    return this.#write(() => this.#store(intent));
  }

  /** Changes these fields (undefined removes) of what is there by then; nothing when it has been forgotten. */
  update(uid: string, change: Partial<Omit<Intent, 'uid' | 'namespace' | 'name'>>): Promise<void> {
    return this.#write(() => {
      // Not kept: it may be undone.
      const intent = this.#read(uid);
      if (intent) this.#store({ ...intent, ...change });
    });
  }

  forget(uid: string): Promise<void> {
    return this.#write(() => {
      this.#kept.delete(uid);
      this.#delete.run(uid);
    });
  }

  cluster(): ClusterMark | undefined {
    const row = this.#readMeta.get('cluster');
    return row && (JSON.parse(row.body) as ClusterMark);
  }

  setCluster(mark: ClusterMark): Promise<void> {
    return this.#write(() => this.#writeMeta.run('cluster', JSON.stringify(mark)));
  }

  /** Since when, RFC 3339, it has to be looked whether something is left of Runs that the host has forgotten with its Node. */
  leftoversSince(): string | undefined {
    return this.#readMeta.get('leftovers')?.body;
  }

  /** Undefined: nothing is left. */
  setLeftovers(since: string | undefined): Promise<void> {
    return this.#write(() =>
      since === undefined ? this.#removeMeta.run('leftovers') : this.#writeMeta.run('leftovers', since),
    );
  }

  environments(): EnvironmentRecord[] {
    return this.#database
      .prepare<[], { body: string }>(
        "SELECT body FROM meta WHERE key >= 'environment:' AND key < 'environment;'",
      )
      .all()
      .map((row) => JSON.parse(row.body) as EnvironmentRecord);
  }

  putEnvironment(record: EnvironmentRecord): Promise<void> {
    return this.#write(() => this.#writeMeta.run(`environment:${keyOf(record)}`, JSON.stringify(record)));
  }

  forgetEnvironment(environment: EnvironmentReference): Promise<void> {
    return this.#write(() => this.#removeMeta.run(`environment:${keyOf(environment)}`));
  }

  close(): void {
    this.#database.close();
  }

  #read(uid: string): Intent | undefined {
    const row = this.#select.get(uid);
    return row && fromRow(row);
  }

  #store({ uid, namespace, name, ...rest }: Intent): void {
    this.#kept.delete(uid);
    this.#replace.run(uid, namespace, name, rest.acknowledgedEpoch ?? null, JSON.stringify(rest));
  }

  #write(run: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#batch.push({ run, resolve, reject });
      if (this.#batch.length === 1) this.#clock.nextTurn(() => this.#commit());
    });
  }

  #commit(): void {
    const batch = this.#batch;
    this.#batch = [];
    try {
      this.#runAll(batch);
    } catch (cause) {
      const error = new RiverError(
        'ServiceUnavailable',
        'the runner cannot write its records: is its state directory full or read-only?',
        {},
        { cause },
      );
      for (const write of batch) write.reject(error);
      return;
    }
    for (const write of batch) write.resolve();
  }
}

function fromRow(row: Row): Intent {
  const rest = JSON.parse(row.body) as Omit<Intent, 'uid' | 'namespace' | 'name'>;
  return { ...rest, uid: row.uid, namespace: row.namespace, name: row.name };
}

/** Opens or makes the file, readable by its owner only. Raises `Invalid` for one that a newer river has written. */
export function openIntents(file: string, clock: Clock): Intents {
  const fresh = !existsSync(file);
  const database = new Database(file);
  try {
    if (fresh) chmodSync(file, 0o600);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    migrateIntents(database, file);
  } catch (error) {
    database.close();
    throw error;
  }
  return new Intents(database, clock);
}
