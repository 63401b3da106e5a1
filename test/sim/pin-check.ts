import { formatCpuList, parseCpuList } from '../../pkg/topology/index.ts';
import type { SimHost } from './host.ts';
import type { SimMachine } from './machine.ts';
import type { SimNetwork } from './network.ts';
import type { SimNode } from './node.ts';
import type { Truth } from './truth.ts';
import type { World } from './world.ts';

const everyMs = 5_000;
/** The runner looks every ten seconds, asks an engine that may not answer, and hears of what is bound over a bad network. */
const patienceMs = 60_000;

export interface PinParts {
  host: SimHost;
  nodes: readonly SimNode[];
  network: SimNetwork;
  truth: Truth;
}

/** What has no CPUs for itself leaves those that others pinned, as soon as its runner can see to that. */
export class PinCheck {
  readonly #world: World;
  readonly #parts: PinParts;
  /** By name of the node: since when somebody is where nobody but another may be, and could have been moved. */
  readonly #sinceMs = new Map<string, number>();

  constructor(world: World, parts: PinParts) {
    this.#world = world;
    this.#parts = parts;
  }

  begin(): void {
    this.#world.after(undefined, everyMs, () => {
      this.begin();
      for (const node of this.#parts.nodes) this.#look(node);
    });
  }

  #look(node: SimNode): void {
    const { host, network, truth } = this.#parts;
    const isAble = node.up && node.hasEngine && host.up && network.reachable(node.name);
    const intruder = isAble && intruderOn(node.machine, truth);
    if (!intruder) {
      this.#sinceMs.delete(node.name);
      return;
    }
    const sinceMs = this.#sinceMs.get(node.name) ?? this.#world.time;
    this.#sinceMs.set(node.name, sinceMs);
    if (this.#world.time - sinceMs > patienceMs)
      this.#world.fail(`${intruder} for ${patienceMs / 1000} s, and nobody moves it`);
  }
}

interface Roaming {
  runName: string;
  cpus: readonly number[];
  /** Where it belongs: what nobody has pinned of its NUMA node, or of all; everything, where that is nothing. */
  space: readonly number[];
}

/** What lives on the machine and has no CPUs for itself. */
function roaming(machine: SimMachine, truth: Truth): Roaming[] {
  const all = parseCpuList(machine.shape.topology.cpus.allocatable) ?? [];
  const bindings = machine.bindings().map(({ runUid, cpus }) => ({ cpus, share: truth.share(runUid) }));
  const pinned = new Set(bindings.flatMap(({ share }) => (share?.pinned ? (share.cpus ?? []) : [])));
  return bindings.flatMap(({ cpus, share }) => {
    if (!share || share.pinned) return [];
    const own = share.cpus ?? all;
    const left = own.filter((cpu) => !pinned.has(cpu));
    const space = left.length > 0 ? left : own;
    return [{ runName: share.runName, cpus: cpus === undefined ? all : (parseCpuList(cpus) ?? []), space }];
  });
}

function intruderOn(machine: SimMachine, truth: Truth): string | undefined {
  if (machine.live.size < 2) return undefined;
  const found = roaming(machine, truth).find(({ cpus, space }) => cpus.some((cpu) => !space.includes(cpu)));
  return found && `${found.runName} is on the CPUs ${found.cpus} and belongs on ${found.space}`;
}

/** In the end everybody has back what is free again. */
export function misplaced(machine: SimMachine, truth: Truth): string[] {
  return roaming(machine, truth)
    .filter(({ cpus, space }) => formatCpuList(cpus) !== formatCpuList(space))
    .map(({ runName, cpus, space }) => `${runName} is on the CPUs ${cpus} and belongs on ${space}`);
}
