import { isConditionTrue, type NodeSpec } from '../../pkg/api/index.ts';
import { RiverError, type Rng, timestamp } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import type { SimHost } from './host.ts';
import type { Incarnation } from './incarnation.ts';
import type { SimNetwork } from './network.ts';
import type { SimNode } from './node.ts';
import type { StoreMonitor } from './store-monitor.ts';
import { taint } from './wishes.ts';
import { between, pick, type World } from './world.ts';

/** Longer than any repeated request can be late. */
const quietMs = 8_000;

/** What else the operator has a hand in. */
export interface OperatorParts {
  nodes: readonly SimNode[];
  network: SimNetwork;
  host: SimHost;
  monitor: StoreMonitor;
}

/** Who looks after the machines: empties one and lets it in again; declares one dead that has no power, or no network. */
export class Operator {
  readonly #world: World;
  readonly #life: Incarnation;
  readonly #client: Client;
  readonly #parts: OperatorParts;
  readonly #rng: Rng;

  constructor(world: World, life: Incarnation, client: Client, parts: OperatorParts) {
    this.#world = world;
    this.#life = life;
    this.#client = client;
    this.#parts = parts;
    this.#rng = life.rng;
  }

  async live(endMs: number): Promise<void> {
    for (const node of this.#parts.nodes)
      node.onOrphan = () => {
        if (this.#world.time > endMs) return;
        void (this.#rng.below(2) === 0 ? this.#drain(node) : this.#fenceCutOff(node, endMs));
      };
    for (let deeds = this.#rng.below(5); deeds > 0; deeds -= 1) {
      await this.#life.wait(between(this.#rng, 0, endMs / 2));
      if (this.#world.time > endMs) break;
      const node = pick(this.#rng, this.#parts.nodes);
      const deed = this.#rng.below(6);
      if (deed === 0) await this.#taint(node);
      else if (deed === 1) await this.#drain(node);
      else if (deed < 5) await this.#fenceCutOff(this.#busiest(), endMs);
      else await this.#fence(node);
    }
  }

  #busiest(): SimNode {
    const { nodes } = this.#parts;
    return nodes.reduce((most, node) => (node.machine.live.size > most.machine.live.size ? node : most));
  }

  /** What the fence asks of the host it then does later; often the machine is back before. */
  #disturbAtFence(node: SimNode, chaosEndMs: number): void {
    const { host, monitor, network } = this.#parts;
    monitor.onFence = (name) => {
      if (name !== node.name || this.#world.time > chaosEndMs) return;
      const choice = this.#rng.below(4);
      if (choice === 0) host.fillDisk(between(this.#rng, 1_000, 20_000));
      else if (choice < 3) host.dieWithTurn();
      if (this.#rng.below(2) === 0) node.stopEngine(between(this.#rng, 10_000, 60_000));
      if (this.#rng.below(3) > 0) network.heal(name);
    };
  }

  /** What its engine is asked to start then may come after all is decided. */
  async #holdStarts(node: SimNode): Promise<void> {
    node.holdStarts(between(this.#rng, 60_000, 120_000));
    await this.#life.wait(between(this.#rng, 0, 15_000));
  }

  /** Takes it for dead, and its programs go on. Often it is back at the very moment, or the host has just started anew. */
  async #fenceCutOff(node: SimNode, chaosEndMs: number): Promise<void> {
    const { network } = this.#parts;
    if (this.#rng.below(2) === 0) await this.#holdStarts(node);
    if (!network.reachable(node.name)) return;
    this.#disturbAtFence(node, chaosEndMs);
    network.isolate(node.name);
    const endMs = this.#world.time + between(this.#rng, 40_000, 100_000);
    while (this.#world.time < endMs && !network.reachable(node.name)) {
      await this.#life.wait(2_000);
      const isDone = await this.#tryToFence(node, true);
      if (!isDone) continue;
      this.#world.count('operator: fences what is cut off and alive');
      if (this.#rng.below(3) > 0) break;
      await this.#life.wait(between(this.#rng, 0, 30_000));
      break;
    }
    network.heal(node.name);
  }

  /** Often for good. */
  async #taint({ name }: SimNode): Promise<void> {
    this.#world.trace('operator', 'taints', name);
    this.#world.count('operator: taints a node');
    await this.#insist(name, { taints: [taint] });
    if (this.#rng.below(2) === 0) return;
    await this.#life.wait(quietMs + between(this.#rng, 0, 60_000));
    await this.#insist(name, { taints: null });
  }

  async #drain({ name }: SimNode): Promise<void> {
    this.#world.trace('operator', 'drains', name);
    await this.#insist(name, { drain: true });
    await this.#life.wait(quietMs + between(this.#rng, 0, 60_000));
    this.#world.trace('operator', 'uncordons', name);
    await this.#insist(name, { drain: null });
  }

  /** Knows that it is dead: two programs of one ordinal must not be alive at once. Gives up when it comes back before. */
  async #fence(node: SimNode): Promise<void> {
    await this.#tryWhileReady(node.name).catch((error: unknown) => {
      if (!(error instanceof RiverError)) throw error;
    });
    node.powerOff(between(this.#rng, 20_000, 120_000));
    while (!node.up) {
      await this.#life.wait(5_000);
      if (await this.#tryToFence(node, !node.up)) return;
    }
  }

  /** What still runs there would go on beside what then runs elsewhere: the host has to refuse it. */
  async #tryWhileReady(name: string): Promise<void> {
    const { metadata, spec, status } = await this.#client.get('Node', '', name);
    if (spec?.fencedAt !== undefined || !isConditionTrue(status?.conditions, 'Ready')) return;
    const { resourceVersion } = metadata;
    const fence = { fencedAt: timestamp(this.#world.wallMs) };
    this.#world.count('operator: asks to fence what is alive');
    await this.#client.patch('Node', '', name, { metadata: { resourceVersion }, spec: fence });
    this.#world.fail(`${name} was fenced while it was Ready`);
  }

  /** `isDead`: as far as the operator knows. Answers whether it is fenced. */
  async #tryToFence(node: SimNode, isDead: boolean): Promise<boolean> {
    const { name } = node;
    try {
      const { metadata, spec, status } = await this.#client.get('Node', '', name);
      if (spec?.fencedAt !== undefined) return true;
      if (!isDead || isConditionTrue(status?.conditions, 'Ready')) return false;
      this.#world.trace('operator', 'fences', name);
      const fence = { fencedAt: timestamp(this.#world.wallMs) };
      const { resourceVersion } = metadata;
      await this.#client.patch('Node', '', name, { metadata: { resourceVersion }, spec: fence });
      return true;
    } catch (error) {
      if (!(error instanceof RiverError)) throw error;
      return false;
    }
  }

  /** A machine that has not joined yet is waited for. */
  async #insist(name: string, spec: { [K in keyof NodeSpec]: NodeSpec[K] | null }): Promise<void> {
    for (;;) {
      try {
        await this.#client.patch('Node', '', name, { spec });
        return;
      } catch (error) {
        if (!(error instanceof RiverError)) throw error;
        await this.#life.wait(2_000);
      }
    }
  }
}
