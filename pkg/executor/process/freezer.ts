import { existsSync } from 'node:fs';
import { mkdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../base/index.ts';
import {
  haltBySignals,
  isHaltedBySignals,
  pidsIn,
  readKernelFile as read,
  resumeBySignals,
  untilHalted,
} from '../kernel/index.ts';
import { type CgroupKind, openGroup } from './cgroup.ts';

/**
 * Halts whole runs. Where the kernel has a freezer, all processes of the run's control group are frozen, those that
 * are made meanwhile too, and none of them can tell. Otherwise each gets SIGSTOP, again and again until none runs.
 */
export interface Freezer {
  /** Answers when nothing of it executes. Raises `ServiceUnavailable` when something does not halt. */
  halt(runUid: string, members: () => Promise<number[]>): Promise<void>;
  thaw(runUid: string, members: () => Promise<number[]>): Promise<void>;
  isHalted(runUid: string, members: () => Promise<number[]>): Promise<boolean>;
  /** What it made for the run. */
  remove(runUid: string): Promise<void>;
  /** What it made for all of them. */
  close(): Promise<void>;
}

/** A process that ended meanwhile cannot be moved, and need not be. */
async function moveInto(group: string, pids: readonly number[]): Promise<void> {
  for (const pid of pids) {
    await writeFile(join(group, 'cgroup.procs'), String(pid)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ESRCH') throw error;
    });
  }
}

/**
 * A kernel may stay half way for ever, as when a process waits for its child that was frozen in the middle of a fork:
 * let go for a moment and tried again, it comes to its end (runc does so too, libcontainer/cgroups/fs/freezer.go).
 */
const looksBeforeThaw = 20;

/**
 * Version 1. A group of its own is made only for a run that is paused: whoever is moved into a group that is frozen
 * halts at once, and what it forks stays in the group.
 */
function version1(parent: string, clock: Clock): Freezer {
  const groupOf = (runUid: string) => join(parent, runUid);
  const outside = async (runUid: string, members: () => Promise<number[]>) => {
    const inside = new Set(pidsIn(groupOf(runUid)));
    return (await members()).filter((pid) => !inside.has(pid));
  };
  const isFrozen = (runUid: string) => read(join(groupOf(runUid), 'freezer.state')).trim() === 'FROZEN';
  return {
    async halt(runUid, members) {
      await mkdir(groupOf(runUid), { recursive: true });
      const state = join(groupOf(runUid), 'freezer.state');
      await writeFile(state, 'FROZEN');
      let looks = 0;
      await untilHalted(clock, async () => {
        const left = await outside(runUid, members);
        await moveInto(groupOf(runUid), left);
        if (left.length === 0 && isFrozen(runUid)) return true;
        looks += 1;
        if (looks % looksBeforeThaw !== 0) return false;
        await writeFile(state, 'THAWED');
        await writeFile(state, 'FROZEN');
        return false;
      });
    },
    async thaw(runUid) {
      await writeFile(join(groupOf(runUid), 'freezer.state'), 'THAWED').catch((error: unknown) => {
        // EACCES: the folder is there no more, and the kernel's file systems make no files.
        if (existsSync(groupOf(runUid))) throw error;
      });
    },
    async isHalted(runUid, members) {
      return isFrozen(runUid) && (await outside(runUid, members)).length === 0;
    },
    async remove(runUid) {
      await rmdir(groupOf(runUid)).catch((error: unknown) => {
        if (existsSync(groupOf(runUid))) throw error;
      });
    },
    async close() {
      await rmdir(parent).catch(() => {});
    },
  };
}

/** Version 2: every group has a switch. */
function version2(folder: string, clock: Clock): Freezer {
  const isFrozen = async (runUid: string) => /^frozen 1$/m.test(read(join(folder, runUid, 'cgroup.events')));
  const set = (runUid: string, value: '0' | '1') => writeFile(join(folder, runUid, 'cgroup.freeze'), value);
  return {
    async halt(runUid) {
      await set(runUid, '1');
      await untilHalted(clock, () => isFrozen(runUid));
    },
    async thaw(runUid) {
      await set(runUid, '0').catch((error: unknown) => {
        if (existsSync(join(folder, runUid))) throw error;
      });
    },
    isHalted: isFrozen,
    async remove() {},
    async close() {},
  };
}

function bySignals(clock: Clock): Freezer {
  return {
    halt: (_runUid, members) => haltBySignals(clock, members),
    thaw: (_runUid, members) => resumeBySignals(members),
    isHalted: (_runUid, members) => isHaltedBySignals(members),
    async remove() {},
    async close() {},
  };
}

/** The best that the machine offers. `name`: of the cluster's groups. */
export async function openFreezer(
  root: string,
  name: string,
  kind: CgroupKind,
  clock: Clock,
): Promise<Freezer> {
  if (kind.version === 2) return version2(kind.folder, clock);
  if (kind.version === 0 || !existsSync(join(root, 'freezer/cgroup.procs'))) return bySignals(clock);
  const parent = join(root, 'freezer', name);
  const made = await openGroup(parent).then(
    () => true,
    () => false,
  );
  return made ? version1(parent, clock) : bySignals(clock);
}
