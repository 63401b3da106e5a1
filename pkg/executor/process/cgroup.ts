import { constants } from 'node:fs';
import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionSpec } from '../index.ts';
import { type GroupFolders, groupTree, pidsBelow } from '../kernel/index.ts';
import { followParent } from './cpuset.ts';

/** Control groups of one run: the files by which its program enters, and those that hold its figures at the end. */
export interface RunCgroup {
  join: string[];
  note: string[];
}

/** What a machine offers. `none` says why: then nothing is limited, and figures come from the shell's `times`. */
export type CgroupKind =
  | { version: 1; folders: { memory: string; cpuacct: string; cpu: string; cpuset?: string } }
  | { version: 2; folder: string; cpuset: boolean }
  | { version: 0; why: string };

/** 100 ms, the kernel's default: 1 milli-core is 100 µs of it. Less than 1 ms a period is refused. */
const periodUs = 100_000;
const quotaUs = (milliCores: number) => Math.max(1000, milliCores * 100);

/** Makes the parent groups of one cluster under `root` (`/sys/fs/cgroup`). */
export async function openCgroups(root: string, name: string): Promise<CgroupKind> {
  try {
    if (await exists(join(root, 'memory/memory.limit_in_bytes'))) {
      const folders = {
        memory: join(root, 'memory', name),
        cpuacct: join(root, 'cpuacct', name),
        cpu: join(root, 'cpu', name),
      };
      await Promise.all(Object.values(folders).map(openGroup));
      return { version: 1, folders: { ...folders, ...(await cpusetVersion1(join(root, 'cpuset'), name)) } };
    }
    const controllers = await readFile(join(root, 'cgroup.controllers'), 'utf8');
    if (!/\bcpu\b/.test(controllers) || !/\bmemory\b/.test(controllers)) {
      return { version: 0, why: `${root} offers no cpu and memory controllers` };
    }
    await writeFile(join(root, 'cgroup.subtree_control'), '+cpu +memory');
    await mkdir(join(root, name), { recursive: true });
    await writeFile(join(root, name, 'cgroup.subtree_control'), '+cpu +memory');
    const cpuset = /\bcpuset\b/.test(controllers) && (await cpusetVersion2(root, name));
    return { version: 2, folder: join(root, name), cpuset };
  } catch (error) {
    return {
      version: 0,
      why: `control groups under ${root} are not writable (${(error as NodeJS.ErrnoException).code ?? 'error'})`,
    };
  }
}

/**
 * Makes a group, and one in it for a moment: it may be there and belong to somebody else, as to the root of a Docker
 * Engine that has made it for a container. Raises what the kernel says.
 */
export async function openGroup(folder: string): Promise<void> {
  const inside = join(folder, `try-${process.pid}`);
  await mkdir(inside, { recursive: true });
  await rmdir(inside);
}

/** Left out where there is none, or it is not ours to write. */
async function cpusetVersion1(hierarchy: string, name: string): Promise<{ cpuset?: string }> {
  const cpuset = join(hierarchy, name);
  if (!(await exists(join(hierarchy, 'cpuset.cpus')))) return {};
  try {
    await openGroup(cpuset);
    await followParent(cpuset);
    return { cpuset };
  } catch {
    return {};
  }
}

async function cpusetVersion2(root: string, name: string): Promise<boolean> {
  const enable = (folder: string) => writeFile(join(folder, 'cgroup.subtree_control'), '+cpuset');
  return enable(root)
    .then(() => enable(join(root, name)))
    .then(
      () => true,
      () => false,
    );
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

/** Idempotent: limits are written again. */
export async function makeRunCgroup(kind: CgroupKind, spec: ExecutionSpec): Promise<RunCgroup> {
  if (kind.version === 0) return { join: [], note: [] };
  if (kind.version === 2) return makeVersion2(join(kind.folder, spec.runUid), spec);
  const memory = join(kind.folders.memory, spec.runUid);
  const cpuacct = join(kind.folders.cpuacct, spec.runUid);
  const cpu = join(kind.folders.cpu, spec.runUid);
  const limited = spec.milliCores > 0;
  await Promise.all(
    [memory, cpuacct, ...(limited ? [cpu] : [])].map((folder) => mkdir(folder, { recursive: true })),
  );
  if (limited) {
    await writeFile(join(cpu, 'cpu.cfs_period_us'), String(periodUs));
    await writeFile(join(cpu, 'cpu.cfs_quota_us'), String(quotaUs(spec.milliCores)));
  }
  if (spec.memoryBytes > 0) {
    await writeFile(join(memory, 'memory.limit_in_bytes'), String(spec.memoryBytes));
    // Absent where the kernel does not account swap: then swap is not limited either.
    await writeFile(join(memory, 'memory.memsw.limit_in_bytes'), String(spec.memoryBytes)).catch(() => {});
  }
  return {
    join: [memory, cpuacct, ...(limited ? [cpu] : [])].map((folder) => join(folder, 'tasks')),
    note: [
      join(memory, 'memory.max_usage_in_bytes'),
      join(memory, 'memory.oom_control'),
      join(cpuacct, 'cpuacct.usage'),
    ],
  };
}

async function makeVersion2(folder: string, spec: ExecutionSpec): Promise<RunCgroup> {
  await mkdir(folder, { recursive: true });
  if (spec.milliCores > 0)
    await writeFile(join(folder, 'cpu.max'), `${quotaUs(spec.milliCores)} ${periodUs}`);
  if (spec.memoryBytes > 0) {
    await writeFile(join(folder, 'memory.max'), String(spec.memoryBytes));
    await writeFile(join(folder, 'memory.swap.max'), '0').catch(() => {});
  }
  const notes = ['memory.peak', 'memory.events', 'cpu.stat'].map((file) => join(folder, file));
  const present = await Promise.all(notes.map(exists));
  return { join: [join(folder, 'cgroup.procs')], note: notes.filter((_, index) => present[index]) };
}

/** Where figures of a run are read while it runs; undefined where there are no groups. */
export function usageFolders(kind: CgroupKind, runUid: string): GroupFolders | undefined {
  if (kind.version === 0) return undefined;
  const group = (folder: string) => ({ version: kind.version, path: join(folder, runUid) });
  return kind.version === 1
    ? { memory: group(kind.folders.memory), cpu: group(kind.folders.cpuacct) }
    : { memory: group(kind.folder), cpu: group(kind.folder) };
}

/** Folders of one run, whether they exist or not; the first one has every process. */
function runFolders(kind: CgroupKind, runUid: string): string[] {
  if (kind.version === 0) return [];
  if (kind.version === 2) return [join(kind.folder, runUid)];
  const { memory, ...others } = kind.folders;
  return [memory, ...Object.values(others)].map((folder) => join(folder, runUid));
}

/** Every process in the run's group, also in groups that the program made below it. Undefined when the run has no group. */
export async function cgroupMembers(kind: CgroupKind, runUid: string): Promise<number[] | undefined> {
  const [first] = runFolders(kind, runUid);
  return first === undefined ? undefined : pidsBelow(first);
}

/** After the end of everything inside. Idempotent; false when something is still in it. */
export async function removeRunCgroup(kind: CgroupKind, runUid: string): Promise<boolean> {
  const folders = (await Promise.all(runFolders(kind, runUid).map(groupTree))).flat();
  let clean = true;
  for (const folder of folders) {
    await rmdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') clean = false;
    });
  }
  return clean;
}

/** The groups of the cluster, when nothing is in them any more. */
export async function closeCgroups(kind: CgroupKind): Promise<void> {
  const folders = kind.version === 0 ? [] : kind.version === 2 ? [kind.folder] : Object.values(kind.folders);
  // Not empty: other runs are still there, and so is the group at the next start.
  await Promise.all(folders.map((folder) => rmdir(folder).catch(() => {})));
}
