import type { Database, Statement } from 'better-sqlite3';
import { type Clock, RiverError } from '../base/index.ts';
import { diskError, isSqliteError } from './database.ts';
import { type CurrentReader, Draft } from './draft.ts';
import type { LogWriter } from './log-writer.ts';
import { Queries } from './queries.ts';
import { SqliteTransaction } from './transaction.ts';
import type { StoredRecord, StoreEvent, Transaction } from './types.ts';

/** So that a burst of writes does not hold the event loop for more than some milliseconds; the rest waits for the next turn. */
const largestBatch = 256;

interface Job {
  work(transaction: Transaction): unknown;
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

type Outcome = { job: Job; result: unknown } | { job: Job; error: unknown };

export interface GroupCommitOptions {
  directory: string;
  clock: Clock;
  writer: LogWriter;
  /** Newest committed version. */
  version(): number;
  /** The newest committed state of what the open transaction has not written. */
  current(queries: Queries, ...key: Parameters<CurrentReader>): ReturnType<CurrentReader>;
  /** The same record, parsed before if that was so. */
  known(record: StoredRecord): StoredRecord;
  /** Called after each commit that wrote objects, before its promises resolve. */
  committed(events: StoreEvent[]): void;
  /** Called after a failed commit, when writing works again: what is on disk may differ from what was published. */
  recovered(): void;
}

/**
 * Collects the transactions of one event-loop turn into one durable commit. A SAVEPOINT for each keeps a
 * refusal from undoing its neighbours (one alone needs none); an error of the database refuses them all.
 */
export class GroupCommit {
  readonly #database: Database;
  readonly #queries: Queries;
  readonly #options: GroupCommitOptions;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #savepoint: Statement;
  readonly #release: Statement;
  readonly #undo: Statement;
  readonly #rollback: Statement;
  #queue: Job[] = [];
  #scheduled = false;
  #failed = false;
  #stopped = false;

  constructor(database: Database, options: GroupCommitOptions) {
    this.#database = database;
    this.#queries = new Queries(database);
    this.#options = options;
    this.#begin = database.prepare('BEGIN IMMEDIATE');
    this.#commit = database.prepare('COMMIT');
    this.#savepoint = database.prepare('SAVEPOINT one');
    this.#release = database.prepare('RELEASE one');
    this.#undo = database.prepare('ROLLBACK TO one');
    this.#rollback = database.prepare('ROLLBACK');
  }

  submit<T>(work: (transaction: Transaction) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve: (result) => resolve(result as T), reject });
      this.#schedule();
    });
  }

  /** Runs all that is queued now. For closing. */
  drain(): void {
    while (this.#queue.length > 0 && !this.#stopped) this.#flush();
  }

  /** Forgets the queue: its promises never resolve, as when the process had died. */
  stop(): void {
    this.#stopped = true;
    this.#queue = [];
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#options.clock.nextTurn(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#flush();
    });
  }

  #flush(): void {
    const jobs = this.#queue.splice(0, largestBatch);
    if (this.#queue.length > 0) this.#schedule();
    if (jobs.length === 0) return;
    try {
      this.#recover();
      this.#commitAll(jobs);
    } catch (error) {
      this.#failed = true;
      const refusal = diskError(error, this.#options.directory);
      for (const job of jobs) job.reject(refusal);
      this.#recoverQuietly();
    }
  }

  #commitAll(jobs: Job[]): void {
    const events: StoreEvent[] = [];
    const { writer, current, known } = this.#options;
    // Its own connection has the pages at hand; another one would read them again after every commit.
    const draft = new Draft((kind, namespace, name) => current(this.#queries, kind, namespace, name));
    const below: CurrentReader = (kind, namespace, name) => draft.get(kind, namespace, name);
    let version = this.#options.version();
    this.#begin.run();
    const outcomes = jobs.map((job): Outcome => {
      const transaction = new SqliteTransaction(this.#queries, writer, below, known, version);
      const outcome = this.#runOne(job, transaction, jobs.length === 1);
      if ('error' in outcome) return outcome;
      for (const event of transaction.events) {
        events.push(event);
        draft.add(event);
      }
      version = transaction.version;
      return outcome;
    });
    if (this.#database.inTransaction) this.#commit.run();
    if (events.length > 0) this.#options.committed(events);
    for (const outcome of outcomes) {
      if ('error' in outcome) outcome.job.reject(outcome.error);
      else outcome.job.resolve(outcome.result);
    }
  }

  #runOne(job: Job, transaction: SqliteTransaction, alone: boolean): Outcome {
    if (!alone) this.#savepoint.run();
    try {
      const result = job.work(transaction);
      if (result instanceof Promise) {
        result.catch(() => {});
        throw new RiverError('InternalError', 'The work of a transaction must be synchronous.');
      }
      if (transaction.failure) throw transaction.failure;
      if (!alone) this.#release.run();
      return { job, result };
    } catch (error) {
      if (isSqliteError(error) || !this.#database.inTransaction) throw error;
      if (alone) this.#rollback.run();
      else {
        this.#undo.run();
        this.#release.run();
      }
      return { job, error };
    } finally {
      transaction.end();
    }
  }

  #recoverQuietly(): void {
    try {
      this.#recover();
    } catch {
      // Still full or broken: the next batch tries again, and tells its callers.
    }
  }

  /**
   * A commit whose fsync failed may have left complete frames in the write-ahead log, which a crash would
   * bring to life. Emptying the log removes them; until that works nothing is written.
   */
  #recover(): void {
    if (!this.#failed) return;
    if (this.#database.inTransaction) this.#database.exec('ROLLBACK');
    const [state] = this.#database.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[];
    if (state?.busy)
      throw new RiverError('ServiceUnavailable', 'The store is recovering from a failed write: try again.');
    this.#failed = false;
    this.#options.recovered();
  }
}
