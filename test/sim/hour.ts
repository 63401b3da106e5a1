import type { Task } from '../../pkg/api/index.ts';
import { type Cluster, withCluster } from './cluster.ts';
import { plainShape } from './shapes.ts';
import { World } from './world.ts';

const minute = 60_000;
const nodeCount = 20;

export interface Hour {
  realMs: number;
  /** Of the processor: on a busy machine less than the real time. */
  cpuMs: number;
  runs: number;
  steps: number;
  violation: string | undefined;
}

/** One virtual hour of twenty nodes, nothing failing: each always runs something for long, and something short each ten minutes. */
export async function simulateHour(seed: number): Promise<Hour> {
  const world = new World(seed);
  const shape = plainShape();
  const sites = Array.from({ length: nodeCount }, (_, index) => ({ name: `n${index + 1}`, shape }));
  const startedAt = performance.now();
  const cpuBefore = process.cpuUsage();
  await withCluster(world, sites, undefined, (cluster) => play(world, cluster));
  const runs = world.counts['run: none to Pending'] ?? 0;
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    realMs: performance.now() - startedAt,
    cpuMs: (user + system) / 1000,
    runs,
    steps: world.steps,
    violation: world.violation?.message,
  };
}

async function play(world: World, { host, nodes, network }: Cluster): Promise<void> {
  host.start();
  for (const node of nodes) node.start();
  const life = world.incarnation('users');
  const client = network.client({ owner: life, identity: { role: 'admin', name: 'me' }, place: 'desk' });
  const targets = nodes.map(({ name }) => name) as [string, ...string[]];
  const apply = (name: string, command: [string, ...string[]]) =>
    void client
      .apply(taskOf(name, command, targets), { fieldManager: 'river' })
      .catch((error: Error) => world.fail(`${name}: ${error.message}`));
  world.after(life, minute, () => apply('long', ['sim', 'for:ever']));
  for (let at = 2 * minute; at < 60 * minute; at += 10 * minute)
    world.after(life, at, () => apply(`short-${at / minute}`, ['sim', 'for:30s']));
  await world.run(60 * minute);
}

function taskOf(name: string, command: [string, ...string[]], targets: [string, ...string[]]): Task {
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name, namespace: 'default' },
    spec: { command, runtime: 'process', resources: { cores: 1 }, targets },
  };
}
