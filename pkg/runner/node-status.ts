import {
  type Condition,
  type NewCondition,
  type NodeStatus,
  notReadyFor,
  type Runtime,
  setCondition,
  versionSkewConditions,
} from '../api/index.ts';
import { timestamp } from '../base/index.ts';
import type { RuntimeProbe } from '../executor/index.ts';
import type { Topology } from '../topology/index.ts';
import type { EnvironmentFacts } from './environments/index.ts';
import type { MachineFacts, RunnerSettings } from './seams.ts';

export interface NodeFacts {
  settings: Pick<RunnerSettings, 'reserved' | 'addresses'>;
  machine: MachineFacts;
  /** Left out: not read yet; then what the Node shows stays. */
  topology?: Topology;
  probes: readonly { runtime: Runtime; probe: RuntimeProbe }[];
  /** What is looked at again and again: room on its volumes, its clock. */
  watched?: readonly NewCondition[];
  /** Names of Runs on this machine that the host does not know after its restore from a backup. */
  quarantined: readonly string[];
  bootId: string;
  session: string;
  /** Why runner and host do not work together, if they do not. */
  skew?: string;
  /** `spec.fencedAt` of the Node, and for which one the machine was cleaned up last. */
  fencedAt?: string;
  cleanedUpFor?: string;
  /** The Node was deleted, and what its Runs have left here has not gone yet. */
  hasLeftovers?: boolean;
  /** Left out: no environment can be brought here. */
  environments?: EnvironmentFacts;
  /** Of the tunnel, where there is one. */
  sshKey?: string;
}

const conditionTypes: Record<Runtime, string> = {
  docker: 'DockerReady',
  systemd: 'SystemdReady',
  process: 'ProcessReady',
};

/** What the Node says about this machine. `before` keeps the times of conditions that have not changed. */
export function nodeStatus(facts: NodeFacts, before: readonly Condition[], nowMs: number): NodeStatus {
  const { settings, machine, topology, probes } = facts;
  const versions: Record<string, string> = { ...machine.versions };
  for (const { runtime, probe } of probes) if (probe.version) versions[runtime] = probe.version;
  return {
    conditions: conditionsOf(facts, before, timestamp(nowMs)),
    capacity: { cores: machine.cores, memory: machine.memoryBytes },
    allocatable: {
      cores: Math.max(0, Math.round((machine.cores - settings.reserved.cores) * 1000) / 1000),
      memory: Math.max(0, machine.memoryBytes - settings.reserved.memoryBytes),
    },
    ...(topology ? { cpus: topology.cpus, numa: topology.numa, gpus: topology.gpus } : {}),
    runtimes: probes.filter(({ probe }) => probe.ready).map(({ runtime }) => runtime),
    versions,
    ...(facts.environments ? { images: facts.environments.images } : {}),
    addresses: [...settings.addresses],
    bootId: facts.bootId,
    session: facts.session,
    ...answerTo(facts),
    ...(facts.sshKey === undefined ? {} : { sshKey: facts.sshKey }),
  };
}

/** Of a fence only: that what a deleted Node had left is gone is no answer to one. */
function answerTo({ fencedAt, cleanedUpFor }: NodeFacts): Pick<NodeStatus, 'cleanedUpFor'> {
  return fencedAt !== undefined && cleanedUpFor === fencedAt ? { cleanedUpFor } : {};
}

function conditionsOf(facts: NodeFacts, before: readonly Condition[], now: string): Condition[] {
  const wanted: NewCondition[] = [
    readyOf(facts),
    ...versionSkewConditions(facts.skew, before),
    ...facts.probes.map(({ runtime, probe }): NewCondition => {
      const { ready, reason, message } = probe;
      return { type: conditionTypes[runtime], status: ready ? 'True' : 'False', reason, message };
    }),
    ...topologyReady(facts.topology),
    ...environmentConditions(facts.environments, before),
    ...(facts.watched ?? []),
    ...quarantine(facts.quarantined, before),
  ];
  return wanted.flatMap((condition) => {
    const old = before.filter(({ type }) => type === condition.type);
    return setCondition(old, condition, now);
  });
}

/** A fence counts until the host has taken it away: what it was told of the clean-up may not have come. */
function readyOf({
  fencedAt,
  skew,
  hasLeftovers,
}: Pick<NodeFacts, 'fencedAt' | 'skew' | 'hasLeftovers'>): NewCondition {
  if (fencedAt === undefined && skew !== undefined) return notReadyFor(skew);
  if (fencedAt === undefined && hasLeftovers) {
    const message =
      'Its Node was deleted: the runner first removes what is left of runs that the host does not have any more.';
    return { type: 'Ready', status: 'False', reason: 'CleaningUp', message };
  }
  if (fencedAt === undefined)
    return { type: 'Ready', status: 'True', reason: 'RunnerReady', message: 'The runner is connected.' };
  const message = 'A person has fenced this node: the runner removes what was left of its runs first.';
  return { type: 'Ready', status: 'False', reason: 'Fenced', message };
}

/** The Node stays Ready: what could be read is given out, the rest is not. */
function topologyReady(topology: Topology | undefined): NewCondition[] {
  if (!topology) return [];
  const type = 'TopologyReady';
  const { problems } = topology;
  if (problems.length === 0)
    return [{ type, status: 'True', reason: 'AllRead', message: 'CPUs, NUMA nodes and GPUs could be read.' }];
  const more = problems.length > 5 ? `; and ${problems.length - 5} more` : '';
  return [
    { type, status: 'False', reason: 'NotAllRead', message: `${problems.slice(0, 5).join('; ')}${more}.` },
  ];
}

const sharedDir = 'SharedDirReady';

function environmentConditions(
  facts: EnvironmentFacts | undefined,
  before: readonly Condition[],
): NewCondition[] {
  const conditions = { ImageStoreReady: facts?.store, [sharedDir]: facts?.shared };
  const said = Object.entries(conditions).flatMap(([type, state]): NewCondition[] =>
    state
      ? [{ type, status: state.ready ? 'True' : 'False', reason: state.reason, message: state.message }]
      : [],
  );
  // Both are looked at together: a configuration before this one had a directory.
  const isOld = facts?.store && !facts.shared && before.some(({ type }) => type === sharedDir);
  const message = 'The configuration of the runner names no shared directory.';
  return isOld ? [...said, { type: sharedDir, status: 'Unknown', reason: 'NotShared', message }] : said;
}

/** Absent until there is something to say; False when it has gone. */
function quarantine(names: readonly string[], before: readonly Condition[]): NewCondition[] {
  const type = 'Quarantined';
  if (names.length === 0) {
    if (!before.some((condition) => condition.type === type)) return [];
    return [
      { type, status: 'False', reason: 'NothingUnknown', message: 'The host knows every run that is here.' },
    ];
  }
  const some = names.slice(0, 10).join(', ');
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  return [
    {
      type,
      status: 'True',
      reason: 'UnknownToHost',
      message: `The host does not know these runs, probably since its restore from a backup; they were left alone: ${some}${more}.`,
    },
  ];
}
