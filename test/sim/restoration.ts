import type { Node, Run } from '../../pkg/api/index.ts';
import { getCondition } from '../../pkg/api/index.ts';
import { isLive } from '../../pkg/executor/index.ts';
import type { Cluster } from './cluster.ts';
import { complaintsOfNode, complaintsOfRun } from './convergence.ts';
import type { SimMachine } from './machine.ts';
import { isEnded } from './run-rules.ts';
import { between, type World } from './world.ts';

const minute = 60_000;
const lookEveryMs = 30_000;
/** All that is to be retried is, with the longest waits between. */
const patienceMs = 30 * minute;
/** Last Events are written, and unused images go. */
const settleMs = 5 * minute;

/** What lies on a machine and is unknown to the host, and in what state. */
type Unknown = Map<string, string>;

/**
 * The store is lost, and made again from a backup: much of what was acknowledged since is gone, by what people have
 * done and no fault of the code. What must not be: that something is stopped, removed or started again because of it.
 */
export class Restoration {
  readonly #world: World;
  readonly #cluster: Cluster;

  constructor(world: World, cluster: Cluster) {
    this.#world = world;
    this.#cluster = cluster;
  }

  /** Makes the backup at some moment until then. */
  plan(endMs: number): void {
    const { host } = this.#cluster;
    this.#world.after(undefined, between(this.#world.rng, endMs / 5, endMs), () => {
      if (host.up) host.backUp();
    });
  }

  /** Answers whether there was a backup. */
  async play(): Promise<boolean> {
    const { host } = this.#cluster;
    if (!host.hasBackup) return false;
    host.restore();
    this.#world.count('host: restored from a backup');
    await this.#world.run(this.#world.time + 1);
    const unknown = this.#unknown(await this.#uids());
    const endMs = this.#world.time + patienceMs;
    let faults: string[] = [];
    // One that failed may be tried again after a while in which all has ended.
    for (let calmMs = 0; calmMs < settleMs && this.#world.time < endMs; calmMs += lookEveryMs) {
      await this.#world.run(this.#world.time + lookEveryMs);
      faults = await this.#faults(unknown);
      if (faults.length > 0) calmMs = -lookEveryMs;
    }
    for (const fault of faults) this.#world.fail(`after a restore: ${fault}`);
    return true;
  }

  async #runs(): Promise<Run[]> {
    return (await this.#cluster.host.store.list('Run')).records.map(({ object }) => object as Run);
  }

  async #uids(): Promise<Set<string>> {
    return new Set((await this.#runs()).map(({ metadata }) => metadata.uid ?? ''));
  }

  /** `known`: what was found before; what has ended since belongs to it. */
  #unknown(uids: ReadonlySet<string>, known: Unknown = new Map()): Unknown {
    const unknown: Unknown = new Map();
    for (const { machine } of this.#cluster.nodes)
      for (const execution of machine.executions()) {
        const { runUid, runName, state } = execution;
        // What has ended may be on its way out: the host of before knew of it.
        const what = `${machine.name} ${runName} ${runUid}`;
        if (uids.has(runUid) || !(isLive(execution) || known.has(what))) continue;
        if (!known.has(what) && this.#wasToGo(machine, runUid)) continue;
        this.#world.count(`host: does not know what is ${state} on a machine`);
        unknown.set(what, state);
      }
    return unknown;
  }

  /** The host of before had decided so, and its runner may be at it. */
  #wasToGo({ history }: SimMachine, runUid: string): boolean {
    return this.#cluster.truth.isGivenUp(runUid) || history.get(runUid)?.killedBy !== undefined;
  }

  async #faults(unknown: Unknown): Promise<string[]> {
    const { truth, host } = this.#cluster;
    const runs = await this.#runs();
    const nodes = (await host.store.list('Node')).records.map(({ object }) => object as Node);
    const now = this.#unknown(new Set(runs.map(({ metadata }) => metadata.uid ?? '')), unknown);
    const faults = nodes.flatMap((node) => complaintsOfNode(node));
    for (const [what, state] of unknown) {
      // What ran has ended by itself meanwhile.
      if (!now.has(what)) faults.push(`${what}, which was ${state} and unknown to the host, is gone`);
      else if (state !== 'running' && now.get(what) !== state)
        faults.push(`${what} was ${state}, is ${now.get(what)}`);
    }
    for (const run of runs) {
      const { name, uid = '' } = run.metadata;
      const phase = run.status?.phase ?? 'Pending';
      if (!isEnded(phase) && phase !== 'Pending' && phase !== 'Paused') faults.push(`${name} is ${phase}`);
      if (!truth.isForgotten(uid))
        faults.push(...complaintsOfRun(run, truth).map((text) => `${name}: ${text}`));
    }
    return [...faults, ...nodes.flatMap((node) => this.#untold(node, now))];
  }

  /** People are shown what was left alone. */
  #untold(node: Node, unknown: Unknown): string[] {
    const told = getCondition(node.status?.conditions, 'Quarantined')?.message ?? '';
    const here = [...unknown.keys()]
      .map((what) => what.split(' '))
      .filter(([name]) => name === node.metadata.name);
    if (here.length > 10) return [];
    return here.flatMap(([name, run]) =>
      told.includes(run ?? '') ? [] : [`${name} does not tell that ${run} is left alone there`],
    );
  }
}
