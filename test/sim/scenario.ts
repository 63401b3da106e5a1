import type { Usage } from '../../pkg/api/index.ts';
import { Chaos } from './chaos.ts';
import { complaints } from './convergence.ts';
import { Disk } from './disk.ts';
import { HastyScheduler } from './hasty-scheduler.ts';
import { SimHost } from './host.ts';
import { LeaseCheck } from './lease-check.ts';
import { SimNetwork } from './network.ts';
import { SimNode } from './node.ts';
import { Operator } from './operator.ts';
import { forbidRealTime } from './real-time-guard.ts';
import { StoreMonitor } from './store-monitor.ts';
import { Truth } from './truth.ts';
import { User } from './user.ts';
import { between, Violation, World } from './world.ts';

const minute = 60_000;
const nodeNames = ['n1', 'n2', 'n3'] as const;

/** Deliberate breakages of the simulated world, to see that the invariants can fail. */
export type Mutation = 'start twice' | 'acknowledge without writing' | 'forget on restart' | 'leave behind';

export interface ScenarioOptions {
  seed: number;
  print?: (line: string) => void;
  mutation?: Mutation;
}

export interface Outcome {
  seed: number;
  /** Of the first violation; undefined when all went well. */
  violation: string | undefined;
  traceHash: string;
  virtualMs: number;
  steps: number;
  writes: number;
  /** How often each thing happened. */
  counts: Record<string, number>;
}

/** How long people act and things fail; how long it may take until all is well; how long nothing may be written then. */
const timetable = {
  chaosMs: 2.5 * minute,
  convergeMs: 30 * minute,
  /** Last Events are written, and what has a time to live is removed, also by a wrong clock. */
  settleMs: 5 * minute,
  quietMs: 5 * minute,
  /** Events live for an hour: until then their deletions are the only writes. */
  eventsMs: 70 * minute,
};

/** Every so many seeds go on until the last Event has expired, and show that then nothing at all is written. */
const longSeeds = 10;

/** One whole history from its seed. Never throws for what it finds: the outcome tells. */
export async function runSeed(options: ScenarioOptions): Promise<Outcome> {
  const world = new World(options.seed, options.print);
  const disk = new Disk();
  const allowRealTime = forbidRealTime();
  const cluster = build(world, disk, options.mutation);
  try {
    await play(world, cluster);
  } catch (error) {
    // What code throws into its timers would end a real process.
    if (!(error instanceof Violation))
      world.fail(`thrown out of a callback: ${error instanceof Error ? error.stack : error}`);
  } finally {
    allowRealTime();
    cluster.host.release();
    for (const node of cluster.nodes) node.release();
    disk.remove();
  }
  return {
    seed: options.seed,
    violation: world.violation?.message,
    traceHash: world.traceHash(),
    virtualMs: world.time,
    steps: world.steps,
    writes: [...cluster.monitor.writesByKind.values()].reduce((sum, writes) => sum + writes, 0),
    counts: world.counts,
  };
}

type Cluster = ReturnType<typeof build>;

function build(world: World, disk: Disk, mutation: Mutation | undefined) {
  const network = new SimNetwork(world, world.incarnation('network').rng);
  if (mutation === 'acknowledge without writing') network.lieAboutWrites = 0.2;
  const machineMutation = {
    startsTwice: mutation === 'start twice',
    leavesBehind: mutation === 'leave behind',
  };
  const nodes = nodeNames.map((name) => new SimNode(world, disk, network, name, machineMutation));
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

async function play(world: World, cluster: Cluster): Promise<void> {
  const { host, nodes, network } = cluster;
  const chaos = new Chaos(world, network, host, nodes);
  host.dieInCommit = () => chaos.crashes.hostCommit;
  for (const node of nodes) node.crashes = () => chaos.crashes;
  host.start();
  for (const node of nodes)
    world.after(undefined, between(world.rng, 0, 5_000), () => node.up || node.start());
  const users = invite(world, cluster);
  hire(world, cluster);
  chaos.plan(timetable.chaosMs);
  new LeaseCheck(world, cluster).begin();
  new HastyScheduler(world, cluster).begin(timetable.chaosMs);
  await world.run(timetable.chaosMs);
  chaos.end();
  await converge(world, cluster, users);
  await stayQuiet(world, cluster, users);
}

function invite(world: World, { network, truth }: Cluster): User[] {
  const life = world.incarnation('users');
  const count = 2 + world.rng.below(10);
  const client = network.client({ owner: life, identity: { role: 'admin', name: 'me' }, place: 'desk' });
  const users = Array.from(
    { length: count },
    (_, index) => new User(world, life, client, `task-${index}`, nodeNames),
  );
  truth.retriesOf = (task) => users.find(({ model }) => model.name === task)?.model.retries ?? 0;
  for (const user of users) void user.live(timetable.chaosMs);
  return users;
}

function hire(world: World, { network, nodes }: Cluster): void {
  const life = world.incarnation('operator');
  const client = network.client({
    owner: life,
    identity: { role: 'admin', name: 'operator' },
    place: 'desk',
  });
  void new Operator(world, life, client, nodes).live(timetable.chaosMs);
}

async function converge(world: World, { host, truth }: Cluster, users: readonly User[]): Promise<void> {
  const endMs = world.time + timetable.convergeMs;
  const models = users.map((user) => user.model);
  let left: string[] = ['nothing was looked at'];
  while (world.time < endMs && left.length > 0) {
    await world.run(world.time + 5_000);
    left = await complaints(host.store, models, truth);
  }
  if (left.length > 0)
    world.fail(`not converged after ${timetable.convergeMs / minute} minutes: ${left.join('; ')}`);
  if (world.violation) throw world.violation;
  world.trace('world', 'converged');
  truth.checkPlaces();
}

async function stayQuiet(world: World, cluster: Cluster, users: readonly User[]): Promise<void> {
  const { host, truth, monitor } = cluster;
  await world.run(world.time + timetable.settleMs);
  await expectNoWrites(world, cluster, ['Event']);
  if (world.seed % longSeeds === 0) {
    await world.run(world.time + timetable.eventsMs);
    await expectNoWrites(world, cluster, []);
  }
  const left = await complaints(
    host.store,
    users.map((user) => user.model),
    truth,
  );
  const counted = (await host.store.list('Usage')).records.map(({ object }) => (object as Usage).runs);
  const sum = counted.reduce((total, runs) => total + runs, 0);
  if (sum !== monitor.endedRuns) left.push(`the ledger has ${sum} runs and ${monitor.endedRuns} have ended`);
  if (left.length > 0) world.fail(`did not stay converged: ${left.join('; ')}`);
  if (world.violation) throw world.violation;
}

async function expectNoWrites(world: World, { monitor }: Cluster, but: readonly string[]): Promise<void> {
  const before = new Map(monitor.writesByKind);
  await world.run(world.time + timetable.quietMs);
  for (const [kind, writes] of monitor.writesByKind) {
    const more = writes - (before.get(kind) ?? 0);
    if (more > 0 && !but.includes(kind))
      world.fail(`${more} writes of ${kind} although nothing was left to do`);
  }
}
