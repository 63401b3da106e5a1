import { Disk } from './disk.ts';
import { SimHost } from './host.ts';
import { SimNetwork } from './network.ts';
import { SimNode } from './node.ts';
import { forbidRealTime } from './real-time-guard.ts';
import type { Site } from './shapes.ts';
import { StoreMonitor } from './store-monitor.ts';
import { Truth } from './truth.ts';
import { Violation, type World } from './world.ts';

/** Deliberate breakages of the simulated world, to see that the invariants can fail. */
export type Mutation = 'start twice' | 'acknowledge without writing' | 'forget on restart' | 'leave behind';

export type Cluster = ReturnType<typeof build>;

function build(world: World, disk: Disk, sites: readonly Site[], mutation: Mutation | undefined) {
  const network = new SimNetwork(world, world.incarnation('network').rng);
  if (mutation === 'acknowledge without writing') network.lieAboutWrites = 0.2;
  const machineMutation = {
    startsTwice: mutation === 'start twice',
    leavesBehind: mutation === 'leave behind',
  };
  const nodes = sites.map((site) => new SimNode(world, disk, network, site, machineMutation));
  const truth = new Truth(
    world,
    nodes.map((node) => node.machine),
  );
  const monitor = new StoreMonitor(world, truth);
  const host = new SimHost(world, disk, network, monitor);
  host.forgetful = mutation === 'forget on restart';
  network.onDelivered = (link, label, result) => {
    const told = result as { metadata?: object; object?: { metadata: object } } | undefined;
    monitor.acknowledge(told?.object?.metadata ?? told?.metadata, `${link.owner.name} (${label})`);
  };
  world.aroundTurn = (life, turn) => {
    if (host.owns(life)) return host.runTurn(turn);
    const node = nodes.find((candidate) => candidate.owns(life));
    if (node) node.runTurn(turn);
    else turn();
  };
  world.afterEvent = () => truth.check();
  return { network, nodes, truth, monitor, host };
}

/** What is played is on this cluster alone, without real time; what is found is in `world.violation`. */
export async function withCluster(
  world: World,
  sites: readonly Site[],
  mutation: Mutation | undefined,
  play: (cluster: Cluster) => Promise<void>,
): Promise<Cluster> {
  const disk = new Disk();
  const allowRealTime = forbidRealTime();
  const cluster = build(world, disk, sites, mutation);
  try {
    await play(cluster);
  } catch (error) {
    // What code throws into its timers would end a real process.
    if (!(error instanceof Violation))
      world.fail(`thrown out of a callback: ${error instanceof Error ? error.stack : error}`);
  } finally {
    allowRealTime();
    disk.remove();
    cluster.host.release();
    for (const node of cluster.nodes) node.release();
  }
  return cluster;
}
