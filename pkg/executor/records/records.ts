import { constants, existsSync, readFileSync, statSync } from 'node:fs';
import { mkdir, open, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RiverError } from '../../base/index.ts';
import type { ExecutionSpec } from '../index.ts';
import { parseStat } from '../kernel/index.ts';
import type { StartError } from './command.ts';
import { type Ending, startErrorRecord } from './ending.ts';

/** What is known of a run before anything of it is executed. Made durable first: it also says in which boot. */
export interface RunRecord {
  runUid: string;
  namespace: string;
  runName: string;
  clusterUid: string;
  bootId: string;
}

/** The claim: whoever created it may execute. `empty`: made, but its writer has not got further. */
export type Claim =
  | { empty: true; at: number }
  | { empty: false; at: number; bootId: string; pid: number; startTime: string };

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

async function ifThere<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Text and time of a small file that was written a moment ago. Synchronous on purpose: from the page cache that takes
 * microseconds, a tenth of the way through the thread pool, and a run is looked at some six times.
 */
function readSmall(path: string): { text: string; mtimeMs: number } | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return { text, mtimeMs: statSync(path).mtimeMs };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * The files of one cluster's runs on this machine:
 *
 *   runs/UID/run.json   the record        runs/UID/started   the claim        runs/UID/work, script, launch-N
 *   runs/UID/paused     it is halted on purpose
 *   exits/UID           how it ended      trash/             folders on their way out
 */
export class Records {
  readonly exits: string;
  readonly #runs: string;
  readonly #trash: string;
  readonly #parse: (record: string) => Ending | undefined;

  /** `parse`: reads the executor's own records of ends; undefined for one that is not whole. */
  constructor(root: string, parse: (record: string) => Ending | undefined) {
    this.#parse = parse;
    this.exits = join(root, 'exits');
    this.#runs = join(root, 'runs');
    this.#trash = join(root, 'trash');
  }

  /** Folders exist afterwards; what an earlier removal left half way is gone. */
  async open(): Promise<void> {
    await rm(this.#trash, { recursive: true, force: true });
    for (const folder of [this.#runs, this.exits, this.#trash])
      await mkdir(folder, { recursive: true, mode: 0o700 });
  }

  folder(runUid: string): string {
    return join(this.#runs, runUid);
  }

  exitPath(runUid: string): string {
    return join(this.exits, runUid);
  }

  /** Durable when it answers: after a power cut the machine still knows that the run may have been started. */
  async write(spec: ExecutionSpec, bootId: string): Promise<void> {
    const folder = this.folder(spec.runUid);
    await mkdir(join(folder, 'work'), { recursive: true, mode: 0o700 });
    const { runUid, namespace, runName, clusterUid } = spec;
    const record: RunRecord = { runUid, namespace, runName, clusterUid, bootId };
    // Not truncated: whoever else writes it in this boot writes the same bytes, and a torn one is a prefix of them.
    const file = await open(join(folder, 'run.json'), constants.O_WRONLY | constants.O_CREAT, 0o600);
    try {
      await file.writeFile(JSON.stringify(record));
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Raises what the disk says when there is no room for one more record. */
  async checkWritable(): Promise<void> {
    const path = join(this.#trash, 'check');
    try {
      await writeFile(path, 'x');
    } finally {
      await rm(path, { force: true });
    }
  }

  /** Raises `BadRequest` for what can be no uid, and so no name of a file. */
  read(runUid: string): RunRecord | undefined {
    if (!/^[\w-]{1,64}$/.test(runUid))
      throw new RiverError('BadRequest', 'A uid is letters, digits, - and _.');
    const found = readSmall(join(this.folder(runUid), 'run.json'));
    if (found === undefined) return undefined;
    try {
      return JSON.parse(found.text) as RunRecord;
    } catch {
      return undefined;
    }
  }

  claim(runUid: string): Claim | undefined {
    const found = readSmall(join(this.folder(runUid), 'started'));
    if (found === undefined) return undefined;
    const { text } = found;
    const space = text.indexOf(' ');
    const process = parseStat(text.slice(space + 1));
    if (space < 1 || !text.endsWith('\n') || process === undefined) return { empty: true, at: found.mtimeMs };
    return {
      empty: false,
      at: found.mtimeMs,
      bootId: text.slice(0, space),
      pid: process.pid,
      startTime: process.startTime,
    };
  }

  /**
   * Takes the claim in place of a wrapper, so that none executes from now on, and records why. Nothing when somebody
   * has it already. Written before the claim is taken: a full disk must not leave a claim without a word.
   */
  async giveUp(runUid: string, error: StartError): Promise<void> {
    const folder = this.folder(runUid);
    const record = join(folder, 'refusal');
    try {
      await writeFile(record, startErrorRecord(error));
      await writeFile(join(folder, 'started'), '', { flag: 'wx' });
    } catch (failure) {
      if ((failure as NodeJS.ErrnoException).code === 'EEXIST' || isMissing(failure)) return;
      throw failure;
    }
    await rename(record, this.exitPath(runUid));
  }

  ending(runUid: string): (Ending & { finishedAt: number }) | undefined {
    const found = readSmall(this.exitPath(runUid));
    const ending = found && this.#parse(found.text);
    return ending && { ...ending, finishedAt: Math.floor(found.mtimeMs) };
  }

  /** Tells a run that is halted on purpose from a program that halted itself. */
  isPaused(runUid: string): boolean {
    return existsSync(join(this.folder(runUid), 'paused'));
  }

  async setPaused(runUid: string, paused: boolean): Promise<void> {
    const path = join(this.folder(runUid), 'paused');
    await ifThere(paused ? writeFile(path, '') : unlink(path));
  }

  async uids(): Promise<string[]> {
    return (await ifThere(readdir(this.#runs))) ?? [];
  }

  /** First away under its name in one step, so that a late wrapper finds no place for its claim. */
  async remove(runUid: string): Promise<void> {
    const away = join(this.#trash, runUid);
    await ifThere(rename(this.folder(runUid), away));
    await ifThere(unlink(this.exitPath(runUid)));
    await rm(away, { recursive: true, force: true });
  }
}
