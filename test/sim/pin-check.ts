import { parseCpuList } from '../../pkg/topology/index.ts';
import type { SimHost } from './host.ts';
import type { SimMachine } from './machine.ts';
import type { SimNetwork } from './network.ts';
import type { SimNode } from './node.ts';
import type { Share } from './shares.ts';
import type { StoreMonitor } from './store-monitor.ts';
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
  monitor: StoreMonitor;
}

/** What has no CPUs for itself leaves those that others pinned, and comes back, as soon as its runner can see to that. */
export class PinCheck {
  readonly #world: World;
  readonly #parts: PinParts;
  /** By name of the node: since when somebody is not where it belongs, and could have been moved. */
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
    const { host, network } = this.#parts;
    const isAble = node.up && node.hasEngine && !node.isFull && host.up && network.reachable(node.name);
    const stray = isAble ? this.#strayOn(node.machine) : undefined;
    if (!stray) {
      this.#sinceMs.delete(node.name);
      return;
    }
    const sinceMs = this.#sinceMs.get(node.name) ?? this.#world.time;
    this.#sinceMs.set(node.name, sinceMs);
    if (this.#world.time - sinceMs > patienceMs)
      this.#world.fail(`${stray} for ${patienceMs / 1000} s, and nobody moves it`);
  }

  #strayOn(machine: SimMachine): string | undefined {
    const { truth, monitor } = this.#parts;
    if (machine.live.size === 0) return undefined;
    const running = [...machine.live].flatMap(({ runUid }) =>
      truth.isForgotten(runUid) ? [] : (truth.share(runUid) ?? []),
    );
    const intruder = roaming(machine, truth, running).find(({ cpus, space }) => has(cpus, space));
    // What is bound and does not run yet has its CPUs already, or not yet.
    const bound = roaming(machine, truth, monitor.chargedOn(machine.name));
    const cramped = bound.find(({ cpus, space }) => has(space, cpus));
    const found = intruder ?? cramped;
    return found && `${found.runName} is on the CPUs ${found.cpus} and belongs on ${found.space}`;
  }
}

/** Whether some of these are not among the others. */
const has = (cpus: readonly number[], others: readonly number[]) => cpus.some((cpu) => !others.includes(cpu));

interface Roaming {
  runName: string;
  cpus: readonly number[];
  /** Where it belongs: what nobody has pinned of its NUMA node, or of all; everything, where that is nothing. */
  space: readonly number[];
}

/** What lives on the machine and has no CPUs for itself. */
function roaming(machine: SimMachine, truth: Truth, held: readonly Share[]): Roaming[] {
  const all = parseCpuList(machine.shape.topology.cpus.allocatable) ?? [];
  const pinned = new Set(held.flatMap((share) => (share.pinned ? (share.cpus ?? []) : [])));
  return machine.bindings().flatMap(({ runUid, cpus }) => {
    const share = truth.share(runUid);
    if (!share || share.pinned || truth.isForgotten(runUid)) return [];
    const own = share.cpus ?? all;
    const left = own.filter((cpu) => !pinned.has(cpu));
    const space = left.length > 0 ? left : own;
    return [{ runName: share.runName, cpus: cpus === undefined ? all : (parseCpuList(cpus) ?? []), space }];
  });
}
