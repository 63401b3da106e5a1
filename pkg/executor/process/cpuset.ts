import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errorMessage, RiverError } from '../../base/index.ts';
import { pidsIn, readKernelFile } from '../kernel/index.ts';
import type { CgroupKind } from './cgroup.ts';

/** What a run is held to, in the kernel's form; left out: all. */
export interface Held {
  cpus?: string;
  memoryNodes?: string;
}

/** Whether runs can be held by cpusets: unlike an affinity, a program cannot leave them. */
export function hasCpusets(kind: CgroupKind): boolean {
  return (kind.version === 1 && kind.folders.cpuset !== undefined) || (kind.version === 2 && kind.cpuset);
}

/**
 * Puts the group of a run in order before its program joins it: the files by which it does, beside those of its other
 * groups. On version 1 only a run that is held to something has a group here.
 */
export async function makeCpuset(kind: CgroupKind, runUid: string, held: Held): Promise<string[]> {
  if (kind.version === 2) {
    await mkdir(join(kind.folder, runUid), { recursive: true });
    await set(join(kind.folder, runUid), held);
    return [];
  }
  const parent = kind.version === 1 ? kind.folders.cpuset : undefined;
  if (parent === undefined) return [];
  const folder = join(parent, runUid);
  await followParent(parent);
  await mkdir(folder, { recursive: true });
  await set(folder, {
    cpus: effective(parent, 'cpus'),
    memoryNodes: effective(parent, 'mems'),
    ...defined(held),
  });
  return [join(folder, 'tasks')];
}

/** What a start before this one, which came no further than its group, was held to counts no more. */
export async function forgetCpuset(kind: CgroupKind, runUid: string): Promise<void> {
  if (kind.version !== 2) return;
  const file = join(kind.folder, runUid, 'cpuset.cpus');
  // A line without anything: without a byte there would be no write.
  if (read(file) !== '') await writeFile(file, '\n');
}

/** What is made while its parent is moved stays behind: it is found by the next look. */
const looksAtMost = 5;

/** Moves a run to these CPUs; false: it has no group for that, as one that was started without. */
export async function moveByCpuset(
  kind: CgroupKind,
  runUid: string,
  cpus: string,
  members: () => Promise<number[]>,
): Promise<boolean> {
  if (!hasCpusets(kind)) return false;
  try {
    if (kind.version === 2) {
      if (!existsSync(join(kind.folder, runUid))) return false;
      await makeCpuset(kind, runUid, { cpus });
      return true;
    }
    const before = kind.version === 1 ? read(join(kind.folders.cpuset ?? '', runUid, 'cpuset.mems')) : '';
    const [tasks = ''] = await makeCpuset(kind, runUid, {
      cpus,
      ...(before === '' ? {} : { memoryNodes: before }),
    });
    await moveAll(dirname(tasks), members);
    return true;
  } catch (error) {
    const message = `The kernel of the node does not move it to CPUs ${cpus}: ${errorMessage(error)}`;
    throw new RiverError('ServiceUnavailable', message, {}, { cause: error });
  }
}

async function moveAll(folder: string, members: () => Promise<number[]>): Promise<void> {
  for (let look = 0; look < looksAtMost; look += 1) {
    const inside = new Set(pidsIn(folder));
    const outside = (await members()).filter((pid) => !inside.has(pid));
    if (outside.length === 0) return;
    for (const pid of outside) await writeFile(join(folder, 'cgroup.procs'), String(pid)).catch(unlessGone);
  }
}

function unlessGone(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ESRCH') throw error;
}

/** Version 1 starts with empty sets, in which nothing may be, and takes CPUs that go offline away for good. */
export async function followParent(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const above = dirname(folder);
  await set(folder, { cpus: effective(above, 'cpus'), memoryNodes: effective(above, 'mems') });
}

/** Memory first: without any, version 1 lets nothing in. Only what is different is written. */
async function set(folder: string, { cpus, memoryNodes }: Held): Promise<void> {
  const wanted = { 'cpuset.mems': memoryNodes, 'cpuset.cpus': cpus };
  for (const [name, value] of Object.entries(wanted)) {
    const file = join(folder, name);
    if (value !== undefined && read(file) !== value) await writeFile(file, value);
  }
}

function effective(folder: string, what: 'cpus' | 'mems'): string {
  return read(join(folder, `cpuset.effective_${what}`)) || read(join(folder, `cpuset.${what}`));
}

function defined({ cpus, memoryNodes }: Held): Held {
  return { ...(cpus === undefined ? {} : { cpus }), ...(memoryNodes === undefined ? {} : { memoryNodes }) };
}

/** Without the line's end; '' where there is no such file. */
function read(file: string): string {
  return readKernelFile(file).trim();
}
