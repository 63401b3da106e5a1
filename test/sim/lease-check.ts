import type { Node, Run } from '../../pkg/api/index.ts';
import type { SimHost } from './host.ts';
import type { SimNetwork } from './network.ts';
import type { SimNode } from './node.ts';
import { isCharged } from './run-rules.ts';
import type { StoreMonitor } from './store-monitor.ts';
import type { World } from './world.ts';

const everyMs = 5_000;
const leaseMs = 30_000;
/** A lease, and a little for the controller. */
const patienceMs = leaseMs + 5_000;

export interface LeaseParts {
  host: SimHost;
  nodes: readonly SimNode[];
  network: SimNetwork;
  monitor: StoreMonitor;
}

/**
 * A node that nothing can be heard of does not stay Ready, and its Runs become Lost: nobody waits for it in vain. Before
 * that, and before the host has lived for a lease, nothing is taken for Lost.
 */
export class LeaseCheck {
  readonly #world: World;
  readonly #parts: LeaseParts;

  constructor(world: World, parts: LeaseParts) {
    this.#world = world;
    this.#parts = parts;
  }

  begin(): void {
    this.#parts.monitor.onLost = (run, node) => this.#expectSilence(run, node);
    this.#again();
  }

  #again(): void {
    this.#world.after(undefined, everyMs, () => {
      this.#again();
      this.#look();
    });
  }

  #look(): void {
    const { host, nodes, network } = this.#parts;
    for (const node of nodes) {
      const { upSinceMs } = host;
      if (upSinceMs === undefined) continue;
      // After its start the host gives everybody a whole lease.
      const silentMs = this.#world.time - Math.max(upSinceMs, network.heardMs(node.name));
      if (silentMs > patienceMs) void this.#expectLost(node.name);
    }
  }

  #expectSilence(run: string, node: string): void {
    const { host, network } = this.#parts;
    const silentMs = this.#world.time - Math.max(host.startedMs, network.beatMs(node));
    if (silentMs < leaseMs - 1)
      this.#world.fail(`${run} became Lost ${Math.round(silentMs / 1000)} s after ${node} was heard of`);
  }

  async #expectLost(name: string): Promise<void> {
    const { store } = this.#parts.host;
    const node = store.get('Node', '', name)?.object as Node | undefined;
    const ready = node?.status?.conditions?.find((condition) => condition.type === 'Ready')?.status;
    if (ready === 'True') this.#world.fail(`${name} was not heard of for long and is Ready`);
    for (const { object } of (await store.list('Run', { node: name })).records) {
      const run = object as Run;
      const phase = run.status?.phase ?? 'Pending';
      if (isCharged(phase) && phase !== 'Lost') {
        this.#world.fail(`${run.metadata.name} is ${phase} on ${name}, which was not heard of for long`);
      }
    }
  }
}
