import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { gibibyte, gpu, numaNodes, readyNode, runSpec } from '../../test/support/machines.ts';
import { apiVersion, type Node, type PlacementPolicy, type Run } from '../api/index.ts';
import {
  addCharge,
  allocatable,
  chargeFor,
  fits,
  type Held,
  type Need,
  nothingHeld,
  runNeed,
  shapeOf,
  subtractCharge,
} from '../placement/index.ts';
import { formatCpuList, parseCpuList } from '../topology/index.ts';
import { decide, type NeedClass, type Placement } from './decide.ts';
import type { NodeLoad } from './score.ts';

type Of<A> = A extends fc.Arbitrary<infer T> ? T : never;

/** Machines of 1 to 4 NUMA nodes with 2 to 4 cores of two threads each, and GPUs on them. */
const machine = fc.record({
  numaNodes: fc.integer({ min: 1, max: 4 }),
  coresEach: fc.integer({ min: 1, max: 4 }),
  gpus: fc.array(fc.constantFrom('NVIDIA A100', 'NVIDIA T4'), { maxLength: 4 }),
  sick: fc.boolean(),
  /** NUMA nodes may have less memory than their machine, and the last of them may be one that cannot be read. */
  short: fc.boolean(),
  unread: fc.boolean(),
});

function nodeOf(
  name: string,
  { numaNodes: count, coresEach, gpus, sick, short, unread }: Of<typeof machine>,
): Node {
  const each = coresEach * 2;
  const all = Array.from({ length: count * each }, (_, cpu) => cpu);
  const list = formatCpuList(all);
  const cores = all.filter((cpu) => cpu % 2 === 0).map((cpu) => `${cpu}-${cpu + 1}`);
  const own = Array.from({ length: count }, (_, id) => `${id * each}-${(id + 1) * each - 1}`);
  return readyNode(name, {
    allocatable: { cores: all.length, memory: count * 8 * gibibyte },
    cpus: { online: list, allocatable: list, isolated: '', cores },
    numa: numaNodes(unread ? own.slice(0, -1) : own, (short ? 6 : 8) * gibibyte),
    gpus: gpus.map((model, index) =>
      gpu(index, `${name}-gpu${index}`, {
        ...{ model, memory: 16 * gibibyte, numa: index % count },
        health: sick && index === 0 ? 'Unhealthy' : 'Healthy',
      }),
    ),
  });
}

const wish = fc.record({
  cores: fc.constantFrom(0, 0.5, 1, 2, 3, 8),
  memory: fc.constantFrom(0, 1, 4, 8, 20),
  pin: fc.boolean(),
  numa: fc.constantFrom('none' as const, 'prefer' as const, 'require' as const),
  gpus: fc.constantFrom(0, 0, 1, 2, { count: 1, model: 't4' }, { count: 1, memory: '6Gi', shared: true }),
  target: fc.constantFrom(undefined, undefined, 'n0', 'n0:0', 'n1:1', 'n0::0', 'n1:0:0'),
  namespace: fc.constantFrom('a', 'b'),
  priority: fc.constantFrom(0, 0, 5),
  policy: fc.constantFrom<PlacementPolicy>('leastLoaded', 'pack', 'spread', 'roundRobin'),
  timeout: fc.constantFrom(undefined, '10s', '60s'),
});
type Wish = Of<typeof wish>;

function runOf(index: number, asked: Wish): Run {
  const { cores, memory, pin, numa, gpus, target, namespace, timeout } = asked;
  const pins = pin && Number.isInteger(cores) && cores > 0;
  const count = target?.endsWith(':0') && target.split(':').length === 3 ? {} : { gpus };
  const spec = runSpec(`t${index}`, {
    ...(target && { target }),
    ...(timeout && { timeout }),
    resources: { cores, ...(memory > 0 && { memory: `${memory}Gi` }), numa, pin: pins, ...count },
  });
  const creationTimestamp = new Date(index * 1000).toISOString();
  return {
    apiVersion,
    kind: 'Run',
    metadata: { name: `r${String(index).padStart(3, '0')}`, namespace, creationTimestamp },
    spec,
    status: { phase: 'Pending' },
  };
}

/** A cluster that lives by rounds: places, lets the oldest end, and so on. */
class Cluster {
  readonly nodes: Node[];
  readonly waiting: { run: Run; asked: Wish }[];
  running: { placement: Placement; endMs: number }[] = [];
  nowMs = 1_000_000;
  last: string | undefined;

  constructor(machines: readonly Of<typeof machine>[], wishes: readonly Wish[]) {
    this.nodes = machines.map((each, index) => nodeOf(`n${index}`, each));
    this.waiting = wishes.map((asked, index) => ({ run: runOf(index, asked), asked }));
  }

  held(node: string): Held {
    const here = this.running.filter(({ placement }) => placement.node === node);
    return here.reduce(
      (sum, { placement }) => addCharge(sum, chargeFor(placement.need, placement.assignment)),
      nothingHeld,
    );
  }

  snapshot(limit = 100) {
    const classes = new Map<string, NeedClass & { runs: Run[] }>();
    for (const { run, asked } of this.waiting) {
      const need = runNeed(run);
      const key = JSON.stringify([asked.priority, asked.namespace, asked.policy, asked.timeout, need]);
      const { namespace, priority, policy } = asked;
      const known = classes.get(key) ?? { key, need, namespace, priority, policy, runs: [] };
      classes.set(key, { ...known, runs: [...known.runs, run] });
    }
    const nodes: NodeLoad[] = this.nodes.map((node) => ({ node, held: this.held(node.metadata.name ?? '') }));
    return {
      classes: [...classes.values()],
      nodes,
      limit,
      nowMs: this.nowMs,
      namespaces: new Map<string, Held>(),
      last: this.last,
      runsOn: (node: string) =>
        this.running
          .filter(({ placement }) => placement.node === node)
          .map(({ placement: { run, assignment } }) => ({
            ...run,
            spec: { ...run.spec, placement: { node, ...assignment } },
            status: { phase: 'Running' as const, startedAt: new Date(this.nowMs).toISOString() },
          })),
    };
  }

  round(limit = 100) {
    const decision = decide(this.snapshot(limit));
    this.last = decision.last;
    for (const placement of decision.placements) {
      const index = this.waiting.findIndex(({ run }) => run === placement.run);
      this.waiting.splice(index, 1);
      this.running.push({ placement, endMs: this.nowMs + 10_000 });
    }
    return decision;
  }

  endOldest(): void {
    this.nowMs += 10_000;
    this.running.shift();
  }
}

function expectNothingTwice(cluster: Cluster): void {
  for (const node of cluster.nodes) {
    const name = node.metadata.name ?? '';
    const held = cluster.held(name);
    const total = allocatable(node);
    expect(held.milliCores).toBeLessThanOrEqual(total.milliCores);
    expect(held.memoryBytes).toBeLessThanOrEqual(total.memoryBytes);
    for (const count of held.pinned.values()) expect(count).toBe(1);
    const shape = shapeOf(node);
    expect(held.milliCores - held.pinned.size * 1000).toBeLessThanOrEqual(
      (shape.cpus.length - held.pinned.size) * 1000,
    );
    for (const { id, cpus, memoryBytes } of shape.numa) {
      const { milliCores = 0, memoryBytes: memory = 0 } = held.numa.get(id) ?? {};
      const free = cpus.filter((cpu) => !held.pinned.has(cpu)).length;
      expect(milliCores).toBeLessThanOrEqual(free * 1000);
      expect(memory).toBeLessThanOrEqual(memoryBytes);
    }
    for (const gpu of shape.gpus) {
      const { exclusive = 0, sharedBytes = 0 } = held.gpus.get(gpu.uuid) ?? {};
      expect(exclusive + (sharedBytes > 0 ? 1 : 0)).toBeLessThanOrEqual(1);
      expect(sharedBytes).toBeLessThanOrEqual(gpu.memory);
      if (gpu.health === 'Unhealthy') expect(exclusive + sharedBytes).toBe(0);
    }
  }
}

/** What was asked for is what was given. */
function expectAsAsked({ need, assignment, node }: Placement, nodes: readonly Node[]): void {
  const shape = shapeOf(nodes.find(({ metadata }) => metadata.name === node) as Node);
  const cpus = parseCpuList(assignment.cpus ?? '') ?? [];
  if (need.pin) expect(cpus).toHaveLength(need.milliCores / 1000);
  expect(assignment.gpus ?? []).toHaveLength(need.gpus?.count ?? 0);
  if (need.target) expect(node).toBe(need.target.node);
  if (need.target?.gpus) expect(assignment.gpus?.map(({ index }) => index)).toEqual(need.target.gpus);
  const numa = need.target?.numa ?? (need.numa === 'require' ? assignment.numaNodes?.[0] : undefined);
  if (need.numa === 'require') expect(assignment.numaNodes).toHaveLength(1);
  if (numa === undefined) return;
  expect(assignment.numaNodes).toEqual([numa]);
  expect(shape.numa.find(({ id }) => id === numa)?.cpus).toEqual(expect.arrayContaining(cpus));
  for (const { index } of assignment.gpus ?? []) expect(shape.gpus[index]?.numa).toBe(numa);
}

const clusters = fc
  .tuple(fc.array(machine, { minLength: 1, maxLength: 3 }), fc.array(wish, { minLength: 1, maxLength: 25 }))
  .map(
    ([machines, wishes]) =>
      () =>
        new Cluster(machines, wishes),
  );

const everFits = (need: Need, nodes: readonly Node[]) =>
  nodes.some((node) => fits(need, node, nothingHeld).fits);

describe('for any cluster and load', () => {
  test('nothing is given out twice, and everybody gets what was asked for', () => {
    fc.assert(
      fc.property(clusters, (make) => {
        const cluster = make();
        for (let round = 0; round < 6; round += 1) {
          for (const placement of cluster.round(7).placements) expectAsAsked(placement, cluster.nodes);
          expectNothingTwice(cluster);
          cluster.endOldest();
        }
      }),
    );
  });

  test('the same input has the same decision, whatever the order of the nodes', () => {
    fc.assert(
      fc.property(clusters, (make) => {
        const snapshot = make().snapshot();
        const again = { ...snapshot, nodes: [...snapshot.nodes].reverse() };
        expect(decide(again)).toEqual(decide(snapshot));
      }),
    );
  });

  test('every reason to wait is true: nowhere does it fit, unless the node is kept for one that comes first', () => {
    fc.assert(
      fc.property(clusters, (make) => {
        const cluster = make();
        const { blocked } = cluster.round();
        const { classes, nodes } = cluster.snapshot();
        for (const { key, need } of classes) {
          const message = blocked.get(key)?.message;
          expect(message).toBeDefined();
          const verdicts = nodes.map(({ node, held }) => fits(need, node, held));
          for (const verdict of verdicts) if (!verdict.fits) expect(verdict.reasons).not.toEqual([]);
          const free = nodes.filter((_, index) => verdicts[index]?.fits);
          for (const { node } of free) expect(message).toContain(`${node.metadata.name}: kept for run`);
        }
      }),
    );
  });

  test('where it may be without regard to NUMA nodes, it may be where one of them is preferred', () => {
    fc.assert(
      fc.property(clusters, (make) => {
        const cluster = make();
        cluster.round();
        const { classes, nodes } = cluster.snapshot();
        for (const { need } of classes)
          for (const { node, held } of nodes)
            expect(fits({ ...need, numa: 'prefer' }, node, held).fits).toBe(
              fits({ ...need, numa: 'none' }, node, held).fits,
            );
      }),
    );
  });

  test('nobody starves: what fits on an empty cluster is placed when what runs ends, however much comes behind it', () => {
    fc.assert(
      fc.property(clusters, (make) => {
        const cluster = make();
        const able = cluster.waiting.filter(({ run }) => everFits(runNeed(run), cluster.nodes));
        const names = new Set(able.map(({ run }) => run.metadata.name));
        for (
          let round = 0;
          round < 400 && cluster.waiting.some(({ run }) => names.has(run.metadata.name));
          round += 1
        ) {
          cluster.round();
          cluster.endOldest();
        }
        expect(cluster.waiting.filter(({ run }) => names.has(run.metadata.name))).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });

  test('what is taken back leaves nothing behind', () => {
    fc.assert(
      fc.property(clusters, (make) => {
        const cluster = make();
        cluster.round();
        for (const node of cluster.nodes) {
          const name = node.metadata.name ?? '';
          const here = cluster.running.filter(({ placement }) => placement.node === name);
          const left = here.reduce(
            (sum, { placement }) => subtractCharge(sum, chargeFor(placement.need, placement.assignment)),
            cluster.held(name),
          );
          expect(left).toMatchObject({ runs: 0, milliCores: 0, memoryBytes: 0 });
          expect(left.pinned.size).toBe(0);
        }
      }),
    );
  });
});

test('a big Run is not passed for ever by small ones that keep coming', () => {
  const machines = [{ numaNodes: 1, coresEach: 2, gpus: [], sick: false, short: false, unread: false }];
  const plain = {
    memory: 0,
    pin: false,
    numa: 'none',
    gpus: 0,
    target: undefined,
    namespace: 'a',
    priority: 0,
    policy: 'leastLoaded',
    timeout: undefined,
  } as const;
  const cluster = new Cluster(machines, [{ ...plain, cores: 1 }]);
  cluster.round();
  cluster.waiting.push({ run: runOf(1, { ...plain, cores: 4 as never }), asked: { ...plain, cores: 3 } });
  let placedAt = 0;
  for (let round = 2; round < 200 && placedAt === 0; round += 1) {
    cluster.waiting.push({ run: runOf(round, { ...plain, cores: 1 }), asked: { ...plain, cores: 1 } });
    if (cluster.round().placements.some(({ run }) => run.metadata.name === 'r001')) placedAt = round;
    cluster.endOldest();
  }
  expect(placedAt).toBeGreaterThan(0);
});
