import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { RiverError } from '../../base/index.ts';
import { parseCpuList } from '../../topology/index.ts';

/** Children that are made while their parents are moved inherit the old CPUs: they are found by the next look. */
const looksAtMost = 5;
const answerWithinMs = 10_000;

/**
 * Moves programs to other CPUs by the affinity of their threads. A thread that has chosen some of its CPUs itself
 * keeps that choice as long as it is within what is wanted; when that changes, it gets all of it.
 */
export class Affinity {
  readonly #path: string;
  /** What each run was given last, since this executor was opened. */
  readonly #given = new Map<string, string>();

  /** `path`: where taskset is looked for, as in PATH. */
  constructor(path: string) {
    this.#path = path;
  }

  async confine(runUid: string, cpus: string, members: () => Promise<number[]>): Promise<void> {
    const isNew = this.#given.get(runUid) !== cpus;
    const wanted = new Set(parseCpuList(cpus));
    const moved = new Set<number>();
    for (let look = 0; look < looksAtMost; look += 1) {
      const astray: number[] = [];
      for (const pid of await members()) {
        const masks = await masksOf(pid);
        const isWithin = masks.every((mask) => parseCpuList(mask)?.every((cpu) => wanted.has(cpu)));
        const isAll = masks.every((mask) => mask === cpus);
        if (!isWithin || (isNew && !isAll && !moved.has(pid))) astray.push(pid);
      }
      if (astray.length === 0) break;
      for (const pid of astray) {
        await this.#set(pid, cpus);
        moved.add(pid);
      }
    }
    this.#given.set(runUid, cpus);
  }

  forget(runUid: string): void {
    this.#given.delete(runUid);
  }

  #set(pid: number, cpus: string): Promise<void> {
    const options = { env: { PATH: this.#path, LC_ALL: 'C' }, timeout: answerWithinMs };
    const args = ['--all-tasks', '--cpu-list', '--pid', cpus, String(pid)];
    return new Promise((resolve, reject) => {
      execFile('taskset', args, options, (error, _stdout, stderr) => {
        if (error === null || /No such process/.test(stderr)) resolve();
        else if (error.code === 'ENOENT') reject(unable('it has no taskset: install util-linux there'));
        else reject(unable(stderr.trim() || error.message));
      });
    });
  }
}

function unable(why: string): RiverError {
  return new RiverError('ServiceUnavailable', `The node cannot move a process to other CPUs: ${why}.`);
}

/** The CPUs of each of its threads, in the kernel's form; none when it has ended. */
async function masksOf(pid: number): Promise<string[]> {
  const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/status`, 'utf8').catch(() => '')),
  );
  return texts.flatMap((text) => /^Cpus_allowed_list:\s*(\S+)$/m.exec(text)?.[1] ?? []);
}
