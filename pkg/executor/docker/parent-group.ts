import { execFile } from 'node:child_process';
import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Execution, LiveUsage } from '../index.ts';
import {
  type GroupFolder,
  groupCpuSeconds,
  groupMemoryPeak,
  groupOomKills,
  groupUsage,
  pidsBelow,
} from '../kernel/index.ts';

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

  /** When it has ended. */
  async usage(runUid: string): Promise<Execution['usage']> {
    const { memory, cpu } = this.#folders(runUid);
    const memoryPeak = groupMemoryPeak(memory);
    const cpuSeconds = groupCpuSeconds(cpu);
    const usage = {
      ...(memoryPeak === undefined ? {} : { memoryPeak }),
      ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
    };
    return Object.keys(usage).length > 0 ? usage : undefined;
  }

  /**
   * Whether the kernel has ended anything of it for want of memory, which an engine does not always hear of. Version 1
   * counts that in the container's own group alone, which is gone by now.
   */
  async hasRunOut(runUid: string): Promise<boolean> {
    return this.#version === 2 && groupOomKills(this.#folders(runUid).memory) > 0;
  }

  /** While it runs. */
  live(runUid: string): LiveUsage {
    return groupUsage(this.#folders(runUid));
  }

  #folders(runUid: string): { memory: GroupFolder; cpu: GroupFolder } {
    const version = this.#version;
    const of = (controller: string) => join(this.#root, version === 1 ? controller : '', this.name(runUid));
    return { memory: { version, path: of('memory') }, cpu: { version, path: of('cpuacct') } };
  }

  /**
   * Processes in it and in the groups below it: those of the container. Undefined when there is no such group, which is
   * made before anything of the container runs; systemd takes empty ones away.
   */
  async members(runUid: string): Promise<number[] | undefined> {
    const folder = join(this.#root, this.#version === 1 ? 'pids' : '', this.name(runUid));
    return (await pidsBelow(folder)) ?? (this.#driver === 'cgroupfs' ? undefined : []);
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
