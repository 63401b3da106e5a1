import type { Environment, Usage } from '../../pkg/api/index.ts';
import { Chaos } from './chaos.ts';
import { type Cluster, type Mutation, withCluster } from './cluster.ts';
import { complaints } from './convergence.ts';
import { Curator, environmentNames } from './curator.ts';
import { DelayCheck, outlived } from './delay-check.ts';
import { HastyScheduler } from './hasty-scheduler.ts';
import { LeaseCheck } from './lease-check.ts';
import { Operator } from './operator.ts';
import { PinCheck } from './pin-check.ts';
import { Restoration } from './restoration.ts';
import { randomShape } from './shapes.ts';
import { TimelyCheck } from './timely-check.ts';
import { User } from './user.ts';
import { between, chance, World } from './world.ts';

const minute = 60_000;
const nodeNames = ['n1', 'n2', 'n3'] as const;

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
  chaosMs: 1.75 * minute,
  convergeMs: 30 * minute,
  /** Last Events are written, and what has a time to live is removed, also by a wrong clock; at least so long. */
  settleMs: 5 * minute,
  /** It is over when nothing was written for so long. */
  calmMs: 3 * minute,
  quietMs: 5 * minute,
  /** Events live for an hour: until then their deletions are the only writes. */
  eventsMs: 70 * minute,
};

/** In every so many seeds the host loses its store when all else has come to rest. */
const restoredSeeds = 8;

/** Every so many seeds go on until the last Event has expired, and show that then nothing at all is written. */
const longSeeds = 20;

/** One whole history from its seed. Never throws for what it finds: the outcome tells. */
export async function runSeed(options: ScenarioOptions): Promise<Outcome> {
  const world = new World(options.seed, options.print);
  const sites = nodeNames.map((name) => ({ name, shape: randomShape(world.rng, name) }));
  const cluster = await withCluster(world, sites, options.mutation, (built) => play(world, built));
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
  new PinCheck(world, cluster).begin();
  new TimelyCheck(world, cluster).begin();
  new DelayCheck(world, cluster);
  new HastyScheduler(world, cluster).begin(timetable.chaosMs);
  const restoration = world.seed % restoredSeeds === 0 ? new Restoration(world, cluster) : undefined;
  restoration?.plan(timetable.chaosMs);
  await world.run(timetable.chaosMs);
  chaos.end();
  if (restoration && (await restore(world, cluster, users, restoration))) return;
  await converge(world, cluster, users);
  await stayQuiet(world, cluster, users);
}

function invite(world: World, cluster: Cluster): User[] {
  const { network, nodes, truth } = cluster;
  const hasEnvironments = chance(world.rng, 0.3);
  for (const node of nodes) node.hasEnvironments = hasEnvironments;
  if (hasEnvironments) appoint(world, cluster);
  const sites = nodes.map(({ name, machine }) => ({ name, shape: machine.shape }));
  const lab = { sites, environments: hasEnvironments ? environmentNames : [] };
  const life = world.incarnation('users');
  const count = 2 + world.rng.below(8);
  const client = network.client({ owner: life, identity: { role: 'admin', name: 'me' }, place: 'desk' });
  const users = Array.from(
    { length: count },
    (_, index) => new User(world, life, client, `task-${index}`, lab),
  );
  const modelOf = (task: string) => users.find(({ model }) => model.name === task)?.model;
  truth.retriesOf = (task) => modelOf(task)?.retries ?? 0;
  truth.parallelismOf = (task) => modelOf(task)?.parallelism ?? 0;
  for (const user of users) void user.live(timetable.chaosMs);
  return users;
}

function appoint(world: World, { network }: Cluster): void {
  const life = world.incarnation('curator');
  const client = network.client({ owner: life, identity: { role: 'admin', name: 'curator' }, place: 'desk' });
  void new Curator(world, life, client).live(timetable.chaosMs);
}

function hire(world: World, cluster: Cluster): void {
  const life = world.incarnation('operator');
  const client = cluster.network.client({
    owner: life,
    identity: { role: 'admin', name: 'operator' },
    place: 'desk',
  });
  void new Operator(world, life, client, cluster).live(timetable.chaosMs);
}

/** What people count on is gone with the store: they do nothing more. Answers whether there was a backup. */
async function restore(
  world: World,
  cluster: Cluster,
  users: readonly User[],
  restoration: Restoration,
): Promise<boolean> {
  if (!cluster.host.hasBackup) return false;
  for (const user of users) user.leave();
  if (!(await restoration.play())) return false;
  await expectNoWrites(world, cluster, ['Event']);
  if (world.violation) throw world.violation;
  return true;
}

async function converge(world: World, { host, truth }: Cluster, users: readonly User[]): Promise<void> {
  const endMs = world.time + timetable.convergeMs;
  const models = users.map((user) => user.model);
  let left: string[] = ['something is written all the time'];
  while (world.time < endMs && left.length > 0) {
    const version = host.store.version();
    await world.run(world.time + 5_000);
    // To look at everything takes longer than these seconds did: not while it changes.
    if (version === host.store.version()) left = await complaints(host.store, models, truth);
  }
  if (left.length > 0)
    world.fail(`not converged after ${timetable.convergeMs / minute} minutes: ${left.join('; ')}`);
  if (world.violation) throw world.violation;
  world.trace('world', 'converged');
  truth.checkPlaces();
}

/** Goes on while something is still written: a retry may wait longer, and what it used is removed later still. */
async function settle(world: World, { host }: Cluster): Promise<void> {
  const endMs = world.time + timetable.convergeMs;
  await world.run(world.time + timetable.settleMs - timetable.calmMs);
  for (let version = -1; version !== host.store.version() && world.time < endMs; ) {
    version = host.store.version();
    await world.run(world.time + timetable.calmMs);
  }
}

async function stayQuiet(world: World, cluster: Cluster, users: readonly User[]): Promise<void> {
  const { host, truth, monitor } = cluster;
  await settle(world, cluster);
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
  left.push(...(await outlived(host.store)), ...(await uselessImages(cluster)));
  if (left.length > 0) world.fail(`did not stay converged: ${left.join('; ')}`);
  if (world.violation) throw world.violation;
}

/** An image stays while a container is made of it, or where it is wanted ahead of need. */
async function uselessImages({ host, nodes }: Cluster): Promise<string[]> {
  const environments = (await host.store.list('Environment')).records.map(
    ({ object }) => object as Environment,
  );
  const ahead = environments.flatMap(({ spec, status }) => (spec.prefetch ? [status?.digest] : []));
  return nodes.flatMap(({ name, machine }) => {
    const used = new Set([...ahead, ...[...machine.live].map(({ image }) => image)]);
    return [...machine.images.all]
      .filter((digest) => !used.has(digest))
      .map((digest) => `${name} still has ${digest}`);
  });
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
