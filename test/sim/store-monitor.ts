import {
  isConditionTrue,
  type Kind,
  type Node,
  type ObjectMeta,
  type Run,
  resources,
  type Task,
} from '../../pkg/api/index.ts';
import type { Store, StoredRecord, StoreEvent } from '../../pkg/store/index.ts';
import { workTogether } from './releases.ts';
import { repels } from './room.ts';
import { allowedMove, isCharged, isEnded, type Phase } from './run-rules.ts';
import { notAsAsked, overcommitment, type Share, shareOf } from './shares.ts';
import type { Truth } from './truth.ts';
import type { World } from './world.ts';

const kinds = Object.keys(resources) as Kind[];
const keyOf = (record: StoredRecord) => `${record.kind}/${record.namespace}/${record.name}`;
const phaseOf = (run: Run): Phase => run.status?.phase ?? 'Pending';

/**
 * Watches every write of the store, in every life of the host, and holds it against the rules. At a restart
 * what is on disk must be exactly what was written up to its version, and that must not be below anything that
 * was acknowledged to anyone.
 */
export class StoreMonitor {
  readonly #world: World;
  readonly #truth: Truth;
  #base = new Map<string, StoredRecord>();
  #events: StoreEvent[] = [];
  #backup: { version: number; state: Map<string, StoredRecord> } | undefined;
  #lastVersion = 0;
  /** Of Runs and Tasks that are there, by uid. */
  readonly #objects = new Map<string, Run | Task>();
  /** Virtual times, by uid: when a spec of a Task was changed last, and when a Run was told to have ended. */
  readonly #changedMs = new Map<string, number>();
  readonly #reruns = new Map<string, { generation: number; revision: number }>();
  readonly #endedMs = new Map<string, number>();
  /** The newest of each node, also of one that is gone. */
  readonly #nodes = new Map<string, StoredRecord>();
  #acknowledged = 0;
  #acknowledgedBy = '';
  /** Version at which a Run of this name was made: a name is made once, ever. */
  readonly #made = new Map<string, number>();
  /** Runs that run or ran, by uid: version that first said so. */
  readonly #shown = new Map<string, number>();
  #charges = new Map<string, Map<string, Share>>();
  /** Runs that have ended after a start, by uid: each is in the usage ledger once. */
  readonly #ended = new Map<string, number>();
  /** Called when the fence of this node is written, before anything is done because of it. */
  onFence: (node: string) => void = () => {};
  /** Called when a Run is taken for Lost, but for those of a node that is fenced. */
  onLost: (run: string, node: string) => void = () => {};
  /** Called when somebody begins to delete a Run whose Task stays: its time to live has to be over. */
  onExpired: (run: Run, task: Task) => void = () => {};
  /** Called when another attempt is made after one that has ended. */
  onRetry: (run: Run, before: Run, task: Task) => void = () => {};
  /** Of the present host. */
  hostVersion = '';
  /** Over all lives of the host; without those that only tell of a clock (`isOfClock`). */
  readonly writesByKind = new Map<string, number>();

  constructor(world: World, truth: Truth) {
    this.#world = world;
    this.#truth = truth;
    truth.isShown = (runUid) => this.#shown.has(runUid);
    truth.isToldEnded = (runUid) => isEnded(this.run(runUid)?.status?.phase ?? 'Pending');
    truth.isFenced = (node) => this.node(node)?.spec?.fencedAt !== undefined;
  }

  /** Somebody was told that this version exists. */
  acknowledge(metadata: ObjectMeta | undefined, by: string): void {
    const version = Number(metadata?.resourceVersion ?? 0);
    if (version <= this.#acknowledged) return;
    this.#acknowledged = version;
    this.#acknowledgedBy = by;
  }

  /** A host has opened its store: compare with what is known, then follow. */
  async attach(store: Store): Promise<void> {
    const version = store.version();
    if (version < this.#acknowledged) {
      this.#world.fail(
        `acknowledged write lost: the store is at ${version}, ${this.#acknowledgedBy} was told ${this.#acknowledged}`,
      );
    }
    const expected = this.#rebuild(version);
    const found = new Map<string, StoredRecord>();
    for (const kind of kinds) {
      for (const record of (await store.list(kind)).records) found.set(keyOf(record), record);
    }
    this.#compare(expected, found);
    this.#restart(found, version);
    for (const kind of kinds) {
      store.watch(kind, version, { event: (event) => this.#observe(event), closed: () => {} });
    }
  }

  backedUp(version: number): void {
    this.#backup = { version, state: this.#rebuild(version) };
  }

  /** The store is again what it was at the backup; what was made and acknowledged since never was. */
  restored(): void {
    if (!this.#backup) return;
    const { version, state } = this.#backup;
    this.#base = state;
    this.#events = [];
    this.#forgetAfter(version);
    const runs = [...state.values()].flatMap(({ kind, object }) => (kind === 'Run' ? [object as Run] : []));
    this.#truth.restored(runs);
  }

  #forgetAfter(version: number): void {
    for (const known of [this.#made, this.#ended, this.#shown])
      for (const [name, at] of known) if (at > version) known.delete(name);
  }

  #rebuild(version: number): Map<string, StoredRecord> {
    const state = new Map(this.#base);
    for (const event of this.#events) {
      if (event.record.version > version) continue;
      if (event.type === 'DELETED') state.delete(keyOf(event.record));
      else state.set(keyOf(event.record), event.record);
    }
    return state;
  }

  #compare(expected: Map<string, StoredRecord>, found: Map<string, StoredRecord>): void {
    for (const [key, record] of expected) {
      const now = found.get(key);
      if (now?.version !== record.version || now.json !== record.json) {
        this.#world.fail(
          `restart changed ${key}: version ${record.version} became ${now?.version ?? 'nothing'}`,
        );
      }
    }
    for (const key of found.keys()) {
      if (!expected.has(key)) this.#world.fail(`restart brought back ${key}`);
    }
  }

  #restart(found: Map<string, StoredRecord>, version: number): void {
    this.#base = found;
    this.#events = [];
    this.#lastVersion = version;
    this.#forgetAfter(version);
    this.#charges = new Map();
    this.#nodes.clear();
    this.#objects.clear();
    this.#reruns.clear();
    for (const record of found.values()) {
      this.#keep(record);
      if (record.kind === 'Run') this.#charge(record.object as Run);
      if (record.kind === 'Node') this.#nodes.set(record.name, record);
    }
  }

  #keep({ kind, object }: StoredRecord, isGone = false): void {
    if (kind !== 'Run' && kind !== 'Task') return;
    const { uid = '' } = object.metadata;
    if (isGone) this.#objects.delete(uid);
    else this.#objects.set(uid, object as Run | Task);
  }

  changedMs(task: string): number {
    return this.#changedMs.get(task) ?? 0;
  }

  endedMs(run: string): number | undefined {
    return this.#endedMs.get(run);
  }

  run(uid: string): Run | undefined {
    return this.#objects.get(uid) as Run | undefined;
  }

  task(uid: string): Task | undefined {
    return this.#objects.get(uid) as Task | undefined;
  }

  node(name: string): Node | undefined {
    return this.#nodes.get(name)?.object as Node | undefined;
  }

  #observe(event: StoreEvent): void {
    const { record } = event;
    this.#keep(record, event.type === 'DELETED');
    if (!isOfClock(event)) this.writesByKind.set(record.kind, (this.writesByKind.get(record.kind) ?? 0) + 1);
    this.#events.push(event);
    if (record.kind === 'Node') this.#nodes.set(record.name, record);
    this.#lastVersion = Math.max(this.#lastVersion, record.version);
    const run = record.kind === 'Run' ? (record.object as Run) : undefined;
    this.#world.trace('store', `${event.type} ${keyOf(record)}@${record.version}`, run && describeRun(run));
    if (run) this.#observeRun(event, run);
    if (record.kind === 'Node') this.#observeNode(event);
    const { uid = '', generation } = record.object.metadata;
    if (record.kind !== 'Task') return;
    if (event.previous?.object.metadata.generation !== generation) this.#changedMs.set(uid, this.#world.time);
    this.#observeRerun(record.object as Task, event.previous?.object as Task | undefined);
  }

  /** Whoever asks for another run of all gets one: once its controller has seen that, there is another revision. */
  #observeRerun({ metadata, spec, status }: Task, before: Task | undefined): void {
    const { uid = '', generation = 0, name } = metadata;
    if (before && spec.rerun !== undefined && spec.rerun !== before.spec.rerun)
      this.#reruns.set(uid, { generation, revision: status?.revision ?? 0 });
    const asked = this.#reruns.get(uid);
    if (!asked || (status?.observedGeneration ?? 0) < asked.generation) return;
    this.#reruns.delete(uid);
    if ((status?.revision ?? 0) <= asked.revision) this.#world.fail(`${name} was to run again and does not`);
  }

  #observeNode({ record, previous }: StoreEvent): void {
    const [before, now] = [previous?.object as Node | undefined, record.object as Node];
    if (!before?.spec?.fencedAt && now.spec?.fencedAt) this.onFence(record.name);
    if (!before?.spec?.fencedAt || now.spec?.fencedAt) return;
    this.#world.count('node: its fence is lifted');
    this.#truth.checkClean(record.name);
  }

  #observeRun(event: StoreEvent, run: Run): void {
    const name = keyOf(event.record);
    const before = event.previous?.object as Run | undefined;
    if (event.type === 'ADDED') this.#added(name, run, event.record.version);
    else if (event.type === 'DELETED') this.#deleted(name, run);
    else if (before) this.#changed(name, before, run);
    this.#charge(run, event.type === 'DELETED');
    if (before && phaseOf(before) === 'Pending') this.#checkCharges(run.spec.placement?.node);
  }

  /** Runs that the ledger should have counted. */
  get endedRuns(): number {
    return this.#ended.size;
  }

  /** Given away of this node at this moment. */
  chargedOn(node: string): Share[] {
    return [...(this.#charges.get(node)?.values() ?? [])];
  }

  #added(name: string, run: Run, version: number): void {
    if (this.#made.has(name)) this.#world.fail(`${name} was made a second time`);
    this.#made.set(name, version);
    this.#world.count('run: none to Pending');
    this.#checkRetry(run);
    if (phaseOf(run) !== 'Pending' || run.spec.placement)
      this.#world.fail(`${name} was not born Pending and unbound`);
  }

  #changed(name: string, before: Run, run: Run): void {
    const [from, to] = [phaseOf(before), phaseOf(run)];
    if (from !== to) this.#world.count(`run: ${from} to ${to}`);
    if (run.status?.startedAt !== undefined && before.status?.startedAt === undefined)
      this.#shown.set(run.metadata.uid ?? '', Number(run.metadata.resourceVersion));
    if (run.status?.reason === 'Fenced' && from !== to) this.#fenced(name, from, run);
    this.#checkLeaving(before, run);
    if (run.spec.evicted && !before.spec.evicted) {
      this.#world.count('run: evicted');
      this.#truth.evicted(run.metadata.name ?? '');
    }
    const node = this.node(run.spec.placement?.node ?? '');
    if (from !== to && to === 'Scheduled') this.#bound(name, run, node);
    if (isEnded(to) && !isEnded(from) && run.status?.startedAt !== undefined)
      this.#ended.set(run.metadata.uid ?? '', Number(run.metadata.resourceVersion));
    if (isEnded(to) && !isEnded(from)) this.#endedMs.set(run.metadata.uid ?? '', this.#world.time);
    if (!allowedMove(from, to)) this.#world.fail(`${name} went from ${from} to ${to}`);
    if (before.metadata.uid !== run.metadata.uid) this.#world.fail(`${name} changed its uid`);
    const uid = run.metadata.uid ?? '';
    const isOurs = !this.#truth.isGivenUp(uid) && !this.#truth.isForgotten(uid);
    if (isEnded(to) && isOurs && this.#truth.isLive(uid)) {
      this.#world.fail(`${name} is reported ${to} and still runs`);
    }
    if (to === 'Pending' && run.spec.placement) this.#world.fail(`${name} is Pending and bound`);
    this.#checkReporter(name, from, run);
    this.#checkSession(name, before, run);
    if (from !== to && to === 'Lost' && !node?.spec?.fencedAt)
      this.onLost(name, run.spec.placement?.node ?? '');
    if (from !== to && to === 'Paused' && !this.#truth.hasHalted(uid))
      this.#world.fail(`${name} is reported Paused and its program has never halted`);
    const moved = before.spec.placement?.node !== run.spec.placement?.node;
    if (moved && from !== 'Pending' && to !== 'Pending') this.#world.fail(`${name} moved to another node`);
  }

  #checkRetry(run: Run): void {
    const { attempt, ordinal, revision } = run.spec;
    if (attempt === 0) return;
    const owner = run.metadata.ownerReferences?.[0]?.uid ?? '';
    const task = this.task(owner);
    for (const other of this.#objects.values()) {
      if (other.kind !== 'Run' || other.metadata.ownerReferences?.[0]?.uid !== owner || !task) continue;
      const { spec } = other;
      if (spec.revision === revision && spec.ordinal === ordinal && spec.attempt === attempt - 1)
        this.onRetry(run, other, task);
    }
  }

  #checkLeaving(before: Run, run: Run): void {
    if (!run.metadata.deletionTimestamp || before.metadata.deletionTimestamp) return;
    const task = this.task(run.metadata.ownerReferences?.[0]?.uid ?? '');
    if (task && !task.metadata.deletionTimestamp) this.onExpired(run, task);
  }

  #fenced(name: string, from: Phase, run: Run): void {
    const uid = run.metadata.uid ?? '';
    this.#world.count('run: fenced');
    const isFenced = this.node(run.spec.placement?.node ?? '')?.spec?.fencedAt !== undefined;
    // After a restore its runner may tell again what the host had decided.
    if ((from !== 'Lost' || !isFenced) && !this.#truth.isGivenUp(uid))
      this.#world.fail(`${name} was Fenced from ${from}, and its node is not fenced`);
    this.#truth.givenUp(uid);
  }

  /** What only a runner can know is told by the present session of its node, never by one that was replaced. */
  #checkReporter(name: string, from: Phase, run: Run): void {
    const to = phaseOf(run);
    const byHost = run.status?.reason === 'Fenced' || ['Pending', 'Lost'].includes(to);
    const byRunner = from !== to && from !== 'Pending' && !byHost;
    const node = this.node(run.spec.placement?.node ?? '');
    if (!byRunner) return;
    if (node?.spec?.fencedAt) this.#world.fail(`${name} became ${to} by a report of a node that is fenced`);
    const session = node?.status?.session;
    if (run.status?.session !== session)
      this.#world.fail(`${name} became ${to} by a report of an old session`);
  }

  /** Also a report that says nothing new is refused when its session was replaced. */
  #checkSession(name: string, before: Run, run: Run): void {
    const told = run.status?.session;
    if (told === undefined || told === before.status?.session) return;
    if (told !== this.node(run.spec.placement?.node ?? '')?.status?.session)
      this.#world.fail(`${name} shows a report of an old session`);
  }

  #deleted(name: string, run: Run): void {
    this.#truth.deleted(run.metadata.uid ?? '');
    if (!run.metadata.deletionTimestamp) this.#world.fail(`${name} vanished without a deletionTimestamp`);
    const isFenced = this.node(run.spec.placement?.node ?? '')?.spec?.fencedAt !== undefined;
    const uid = run.metadata.uid ?? '';
    if (!isFenced && !this.#truth.isForgotten(uid) && this.#truth.isKnown(uid)) {
      this.#world.fail(`${name} is deleted and its node still has something of it`);
    }
  }

  #charge(run: Run, gone = false): void {
    const uid = run.metadata.uid ?? '';
    for (const charges of this.#charges.values()) charges.delete(uid);
    const node = run.spec.placement?.node;
    if (gone || !node || !isCharged(phaseOf(run))) return;
    const charges = this.#charges.get(node) ?? new Map<string, Share>();
    const share = shareOf(run);
    if (share) this.#charges.set(node, charges.set(uid, share));
  }

  #checkCharges(node: string | undefined): void {
    const shape = this.#truth.machine(node ?? '')?.shape;
    const twice = shape && overcommitment(shape, this.chargedOn(node ?? ''));
    if (twice) this.#world.fail(`${node} is charged ${twice}`);
  }

  /** Only where work may go at this moment, and just what it has asked for. */
  #bound(name: string, run: Run, node: Node | undefined): void {
    if (node?.spec?.fencedAt || node?.spec?.drain || node?.spec?.unschedulable)
      this.#world.fail(`${name} was bound to a node that is fenced, drained or cordoned`);
    if (!isConditionTrue(node?.status?.conditions, 'Ready'))
      this.#world.fail(`${name} was bound to a node that is not Ready`);
    if (!workTogether(node?.status?.versions?.river, this.hostVersion))
      this.#world.fail(`${name} was bound to a node of a version that is too far from that of the host`);
    const share = shareOf(run);
    const shape = this.#truth.machine(share?.node ?? '')?.shape;
    if (!share || !shape) {
      this.#world.fail(`${name} is Scheduled to no node`);
      return;
    }
    if (node?.spec?.taints?.some((taint) => repels(taint, run)))
      this.#world.fail(`${name} was bound to a node with a taint that it does not tolerate`);
    const fault = notAsAsked(run, share, shape);
    if (fault) this.#world.fail(`${name} is not bound as it has asked: ${fault}`);
    for (const { uuid } of share.gpus)
      if (node?.status?.gpus?.find((gpu) => gpu.uuid === uuid)?.health !== 'Healthy')
        this.#world.fail(`${name} was given ${uuid}, which is not healthy`);
    if (share.pinned) this.#world.count('bound: with CPUs of its own');
    if (share.numa !== undefined) this.#world.count('bound: in one NUMA node');
    for (const { memoryBytes } of share.gpus)
      this.#world.count(memoryBytes === undefined ? 'bound: with a GPU' : 'bound: with a share of a GPU');
    this.#truth.bound(run.metadata.uid ?? '', share);
  }
}

function describeRun(run: Run): string {
  const { status, spec, metadata } = run;
  const node = spec.placement ? ` on ${spec.placement.node}` : '';
  const leaving = metadata.deletionTimestamp ? ' leaving' : '';
  return `${status?.phase}${status?.reason ? `(${status.reason})` : ''}${node} wants ${spec.desired}${leaving}`;
}

/** Over a slow link a node may be sure only after many heartbeats that its clock is not far from the host's any more. */
function isOfClock({ record, previous }: StoreEvent): boolean {
  if (record.kind !== 'Node' || !previous) return false;
  const rest = ({ object }: StoredRecord) => {
    const { resourceVersion: _version, managedFields: _managers, ...metadata } = object.metadata;
    const { conditions = [], ...status } = (object as Node).status ?? {};
    const others = conditions.filter(({ type }) => type !== 'ClockSkewed');
    return JSON.stringify({ ...object, metadata, status: { ...status, conditions: others } });
  };
  return rest(record) === rest(previous);
}
