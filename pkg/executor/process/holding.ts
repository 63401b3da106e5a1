import { errorMessage } from '../../base/index.ts';
import type { ExecutionSpec } from '../index.ts';
import { Affinity } from '../kernel/index.ts';
import type { StartError } from '../records/index.ts';
import { bindingArguments } from './binding.ts';
import type { CgroupKind } from './cgroup.ts';
import { forgetCpuset, type Held, hasCpusets, makeCpuset, moveByCpuset } from './cpuset.ts';

type Wish = Pick<ExecutionSpec, 'runUid' | 'cpus' | 'sharedCpus' | 'memoryNodes'>;
type Begun = Beginning | { startError: StartError };

/** How a program begins within what it is held to: programs put before its own, and groups that it joins. */
export interface Beginning {
  argv: string[];
  join: string[];
}

/** Holds runs to CPUs and NUMA nodes: by cpusets, which nothing of a run can leave; without them by taskset and numactl. */
export class Holding {
  readonly #kind: CgroupKind;
  readonly #path: string;
  readonly #affinity: Affinity;

  /** `path`: where taskset and numactl are looked for, as in PATH. */
  constructor(kind: CgroupKind, path: string) {
    this.#kind = kind;
    this.#path = path;
    this.#affinity = new Affinity(path);
  }

  /** A sentence for people. */
  get description(): string {
    return hasCpusets(this.#kind)
      ? 'Runs are held to their CPUs and NUMA nodes by cpusets.'
      : 'Runs are bound to CPUs and NUMA nodes by taskset and numactl, which a program can undo for itself.';
  }

  async begin({ runUid, cpus, sharedCpus, memoryNodes }: Wish): Promise<Begun> {
    const begun = await this.#begin(runUid, { cpus: sharedCpus ?? cpus, memoryNodes });
    // Only what it was given was promised.
    if (sharedCpus === undefined || !('startError' in begun)) return begun;
    return this.#begin(runUid, { cpus, memoryNodes });
  }

  async #begin(runUid: string, held: Held): Promise<Begun> {
    const { cpus, memoryNodes } = held;
    if (cpus === undefined && memoryNodes === undefined) {
      await forgetCpuset(this.#kind, runUid);
      return { argv: [], join: [] };
    }
    if (!hasCpusets(this.#kind)) {
      const binding = await bindingArguments(held, this.#path);
      return 'startError' in binding ? binding : { ...binding, join: [] };
    }
    try {
      return { argv: [], join: await makeCpuset(this.#kind, runUid, held) };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const what = [cpus && `CPUs ${cpus}`, memoryNodes && `NUMA nodes ${memoryNodes}`]
        .filter(Boolean)
        .join(' and ');
      const message = `The kernel of the node does not give a process ${what}: ${errorMessage(error)}.`;
      return { startError: { reason: 'BindingUnavailable', message } };
    }
  }

  async confine(runUid: string, cpus: string, members: () => Promise<number[]>): Promise<void> {
    if (await moveByCpuset(this.#kind, runUid, cpus, members)) return;
    await this.#affinity.confine(runUid, cpus, members);
  }

  forget(runUid: string): void {
    this.#affinity.forget(runUid);
  }
}

/** CPUs or NUMA nodes that are not there, or that the kernel keeps from the runner's own group. */
function isRefusal(error: unknown): boolean {
  return ['EINVAL', 'EACCES', 'ERANGE'].includes((error as NodeJS.ErrnoException).code ?? '');
}
