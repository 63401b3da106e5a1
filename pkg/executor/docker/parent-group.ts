import { execFile } from 'node:child_process';
import { readdir, readFile, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Execution } from '../index.ts';

/**
 * A control group above the container's own: the engine removes that one at the end, and with it the peak of
 * memory and the CPU time, which the parent still has. With the systemd driver it has to be a slice.
 */
export class ParentGroups {
  readonly #root: string;
  readonly #cluster: string;
  readonly #driver: 'cgroupfs' | 'systemd';
  readonly #version: 1 | 2;

  constructor(options: { root: string; clusterUid: string; driver: 'cgroupfs' | 'systemd'; version: 1 | 2 }) {
    this.#root = options.root;
    this.#cluster = options.clusterUid.slice(0, 12);
    this.#driver = options.driver;
    this.#version = options.version;
  }

  /** As the engine's CgroupParent. A - in the name of a slice would mean a slice inside another. */
  name(runUid: string): string {
    if (this.#driver === 'cgroupfs') return `/river-${this.#cluster}/${runUid}`;
    return `river_${this.#cluster}_${runUid}.slice`.replaceAll('-', '_');
  }

  async usage(runUid: string): Promise<Execution['usage']> {
    const name = this.name(runUid);
    const read = (...parts: string[]) => readFile(join(this.#root, ...parts), 'utf8').catch(() => '');
    const [peak, cpu] = await Promise.all(
      this.#version === 1
        ? [read('memory', name, 'memory.max_usage_in_bytes'), read('cpuacct', name, 'cpuacct.usage')]
        : [read(name, 'memory.peak'), read(name, 'cpu.stat')],
    );
    const nanoseconds =
      this.#version === 1 ? Number(cpu) : Number(/^usage_usec (\d+)$/m.exec(cpu)?.[1]) * 1000;
    const usage = {
      ...(peak !== '' ? { memoryPeak: Number(peak) } : {}),
      ...(cpu !== '' && !Number.isNaN(nanoseconds) ? { cpuSeconds: nanoseconds / 1e9 } : {}),
    };
    return Object.keys(usage).length > 0 ? usage : undefined;
  }

  /**
   * Processes in it and in the groups below it: those of the container. Undefined when there is no such group, which is
   * made before anything of the container runs; systemd takes empty ones away.
   */
  async members(runUid: string): Promise<number[] | undefined> {
    const folder = join(this.#root, this.#version === 1 ? 'pids' : '', this.name(runUid));
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => undefined);
    if (entries === undefined) return this.#driver === 'cgroupfs' ? undefined : [];
    const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => join(folder, name));
    const lists = await Promise.all(
      [folder, ...below].map((each) => readFile(join(each, 'cgroup.procs'), 'utf8').catch(() => '')),
    );
    return lists.flatMap((list) => list.split('\n').filter(Boolean).map(Number));
  }

  /** After the container is gone. Idempotent. */
  async remove(runUid: string): Promise<void> {
    const name = this.name(runUid);
    if (this.#driver === 'systemd') await promisify(execFile)('systemctl', ['stop', name]).catch(() => {});
    await this.#removeFolder(name);
  }

  /** The group of the cluster, when nothing is in it any more. */
  async close(): Promise<void> {
    if (this.#driver === 'cgroupfs') await this.#removeFolder(`river-${this.#cluster}`);
  }

  /** Some are absent, not empty, or links to each other: what is there afterwards does no harm. */
  async #removeFolder(name: string): Promise<void> {
    const hierarchies = this.#version === 1 ? await readdir(this.#root).catch(() => []) : [''];
    await Promise.all(
      hierarchies.map((hierarchy) => rmdir(join(this.#root, hierarchy, name)).catch(() => {})),
    );
  }
}
