import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Node, Run } from '../../pkg/api/index.ts';
import { ApiService, LocalClient } from '../../pkg/apiserver/index.ts';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { EventRecorder, InformerSet, Manager } from '../../pkg/controller/index.ts';
import { addCharge, chargeFor, type Held, nothingHeld, runNeed } from '../../pkg/placement/index.ts';
import { decide, type NeedClass, Scheduler } from '../../pkg/scheduler/index.ts';
import { openSqliteStore, type Store } from '../../pkg/store/index.ts';
import { makeEnded, makeNode, makeRun, putAll } from './scheduler-load.ts';
import { quantile, type Row } from './statistics.ts';
import { eventually } from './wait.ts';

interface Load {
  nodes: number;
  pending: number;
  classes: number;
  ended: number;
}

/**
 * `pending` Runs over `nodes` nodes, in process: the real scheduler, API and store, each commit on the disk that holds
 * this working tree (a temporary folder may be memory).
 */
export async function scheduling(nodes: number, pending: number): Promise<Row[]> {
  const load = { nodes, pending, classes: 1, ended: 0 };
  const few = { ...load, nodes: nodes / 5 };
  const rows: Row[] = [];
  for (const each of [load, { ...load, classes: 500 }, few, { ...load, ended: pending }])
    rows.push(await bindings(each));
  for (const each of [load, { ...load, classes: 500 }, few]) rows.push(singleDecisions(each));
  return rows;
}

/** From the first binding on, so that filling the caches is not counted. */
async function bindings(load: Load): Promise<Row> {
  const cache = join(import.meta.dirname, '../../.cache');
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, 'bench-store-'));
  const clock = realClock;
  const store = openSqliteStore({ directory, clock, rng: realRng, logger: silentLogger });
  try {
    await putAll(store, list(load.nodes, makeNode));
    await putAll(
      store,
      list(load.ended, (index) => makeEnded(index, load.nodes)),
    );
    await putAll(
      store,
      list(load.pending, (index) => makeRun(index, load.classes)),
    );
    const rate = await bindAll(store, load.pending);
    return {
      what: `bindings a second, ${described(load)}, ${load.ended} ended Runs`,
      river: rate.toFixed(0),
      goal: '>= 1500',
      met: rate >= 1500,
    };
  } finally {
    await store.close();
    rmSync(directory, { recursive: true });
  }
}

async function bindAll(store: Store, pending: number): Promise<number> {
  const shared = { clock: realClock, rng: realRng, logger: silentLogger };
  const service = new ApiService({
    ...shared,
    store,
    defaults: () => ({ runtime: 'process', privileged: false, mounts: [] }),
    leaseMs: 30_000,
    logReader: { open: () => Promise.reject(new Error('no logs here')) },
    version: '0.1.0',
  });
  const client = new LocalClient(service, { role: 'controller', name: 'scheduler' });
  const informers = new InformerSet({ ...shared, client });
  const events = new EventRecorder({ ...shared, client, component: 'scheduler' });
  const scheduler = new Scheduler({ ...shared, client, informers, events, policy: 'leastLoaded' });
  const manager = new Manager({ ...shared, informers, controllers: [scheduler] });
  const boundAt: number[] = [];
  const watch = store.watch('Run', store.version(), {
    event: ({ record }) => {
      if ((record.object as Run).status?.phase === 'Scheduled') boundAt.push(performance.now());
    },
    closed: () => {},
  });
  try {
    await manager.start();
    await eventually('all Runs to be bound', 300_000, async () => boundAt.length >= pending);
  } finally {
    watch.close();
    await manager.stop();
    await events.stop();
  }
  return ((boundAt.length - 1) * 1000) / ((boundAt.at(-1) ?? 0) - (boundAt[0] ?? 0));
}

/** One Run a round, everything that waits in the queue, nodes filling up as it goes. */
function singleDecisions(load: Load): Row {
  const nodes = list(load.nodes, (index) => ({ node: makeNode(index), held: nothingHeld }));
  const byName = new Map(nodes.map((each) => [each.node.metadata.name, each]));
  const classes = classesOf(list(load.pending, (index) => makeRun(index, load.classes)));
  const measured: number[] = [];
  let used = nothingHeld;
  for (let round = 0; round < 1000; round += 1) {
    const namespaces = new Map([['default', used]]);
    const from = performance.now();
    const { placements } = decide({ classes, nodes, limit: 1, nowMs: 0, namespaces, runsOn: () => [] });
    measured.push(performance.now() - from);
    const [placement] = placements;
    const chosen = byName.get(placement?.node);
    if (!placement || !chosen) throw new Error(`nothing was placed in round ${round}`);
    const charge = chargeFor(placement.need, placement.assignment);
    chosen.held = addCharge(chosen.held, charge);
    used = addCharge(used, charge);
    const needClass = classes.find(({ need }) => need === placement.need);
    if (needClass) needClass.runs = needClass.runs.slice(1);
  }
  const p99 = quantile(measured, 0.99);
  return {
    what: `one decision, 99th percentile (median), ms, ${described(load)}`,
    river: `${p99.toFixed(2)} (${quantile(measured, 0.5).toFixed(2)})`,
    goal: '< 5',
    met: p99 < 5,
  };
}

function classesOf(runs: readonly Run[]): NeedClass[] {
  const groups = Map.groupBy(runs, ({ spec }) => JSON.stringify(spec.resources));
  return [...groups].map(([key, members]) => ({
    key,
    need: runNeed(members[0] as Run),
    namespace: 'default',
    priority: 0,
    policy: 'leastLoaded',
    runs: members,
  }));
}

function described({ nodes, pending, classes }: Load): string {
  return `${nodes} nodes, ${pending} Runs of ${classes} need${classes === 1 ? '' : 's'}`;
}

function list<T extends Node | Run | { node: Node; held: Held }>(
  count: number,
  make: (index: number) => T,
): T[] {
  return Array.from({ length: count }, (_unused, index) => make(index));
}
