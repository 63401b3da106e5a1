import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  apiVersion,
  type Identity,
  type Node,
  type NodeStatus,
  type Run,
  type Task,
  type TaskSpec,
} from '../../pkg/api/index.ts';
import { ApiService, LocalClient } from '../../pkg/apiserver/index.ts';
import { realRng, seededRng, silentLogger, timestamp } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import { type Controller, EventRecorder, InformerSet, Manager } from '../../pkg/controller/index.ts';
import { openSqliteStore, type SqliteStore } from '../../pkg/store/index.ts';
import { gibibyte, ready } from './machines.ts';
import { ManualClock } from './manual-clock.ts';

export type ControllerName = Extract<Identity, { role: 'controller' }>['name'];

/** What a controller of a test is given. */
export interface ControllerParts {
  client: Client;
  informers: InformerSet;
  events: EventRecorder;
}

/** A real store and API with any set of controllers, without network, time or runners: a test plays these. */
export class ControlPlane {
  /** Of the host; a change is what its upgrade would be. */
  version = '0.1.0';
  readonly clock = new ManualClock();
  readonly rng = seededRng(1);
  readonly store: SqliteStore;
  readonly service: ApiService;
  /** A person. */
  readonly admin: Client;
  readonly #directory: string;
  readonly #managers: Manager[] = [];
  readonly #recorders: EventRecorder[] = [];

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'river-control-plane-'));
    const { clock } = this;
    // Not the seeded one: uids have to differ between control planes.
    this.store = openSqliteStore({ directory: this.#directory, clock, rng: realRng, logger: silentLogger });
    const version = () => this.version;
    this.service = new ApiService({
      store: this.store,
      clock,
      rng: realRng,
      logger: silentLogger,
      defaults: () => ({ runtime: 'process', privileged: false, mounts: [] }),
      leaseMs: 30_000,
      logReader: { open: () => Promise.reject(new Error('no logs here')) },
      get version() {
        return version();
      },
    });
    this.admin = new LocalClient(this.service, { role: 'admin', name: 'test' });
  }

  clientOf(name: ControllerName): Client {
    return new LocalClient(this.service, { role: 'controller', name });
  }

  /** Starts a controller with caches of its own, and waits for these. */
  async run(name: ControllerName, make: (parts: ControllerParts) => Controller): Promise<Manager> {
    const { clock, rng } = this;
    const client = this.clientOf(name);
    const informers = new InformerSet({ client, clock, rng, logger: silentLogger });
    const events = new EventRecorder({ client, clock, logger: silentLogger, component: name });
    const controllers = [make({ client, informers, events })];
    const manager = new Manager({ informers, controllers, clock, rng, logger: silentLogger });
    this.#managers.push(manager);
    this.#recorders.push(events);
    await manager.start();
    return manager;
  }

  async close(): Promise<void> {
    await Promise.all(this.#managers.map((manager) => manager.stop()));
    await Promise.all(this.#recorders.map((recorder) => recorder.stop()));
    await this.store.close();
    rmSync(this.#directory, { recursive: true });
  }

  async applyTask(name: string, spec: Partial<TaskSpec> = {}): Promise<Task> {
    const task = {
      apiVersion,
      kind: 'Task',
      metadata: { name, namespace: 'default' },
      spec: { command: ['true'], ...spec },
    };
    const { object } = await this.admin.apply(task, { fieldManager: 'river', force: true });
    return object as Task;
  }

  task(name: string): Promise<Task> {
    return this.admin.get('Task', 'default', name);
  }

  async runs(): Promise<Run[]> {
    const { items } = await this.admin.list('Run');
    return items.sort(
      (left, right) => left.spec.revision - right.spec.revision || left.spec.ordinal - right.spec.ordinal,
    );
  }

  /** Plays a runner that joins: 8 cores, 16 GiB, runtime process. */
  async joinNode(name: string, status: Partial<NodeStatus> = {}): Promise<TestNode> {
    const client = new LocalClient(this.service, { role: 'node', name });
    const node: Node = { apiVersion, kind: 'Node', metadata: { name } };
    await client.create('Node', node);
    const session = `session-of-${name}`;
    const joined = new TestNode(name, session, client);
    const lastTransitionTime = timestamp(this.clock.now());
    const allocatable = { cores: 8, memory: 16 * gibibyte };
    await joined.patchNode({
      session,
      conditions: [{ ...ready, lastTransitionTime }],
      capacity: allocatable,
      allocatable,
      runtimes: ['process'],
      ...status,
    });
    return joined;
  }
}

/** The runner's side of one node. */
export class TestNode {
  readonly name: string;
  readonly session: string;
  readonly client: Client;

  constructor(name: string, session: string, client: Client) {
    this.name = name;
    this.session = session;
    this.client = client;
  }

  async patchNode(status: NodeStatus): Promise<void> {
    await this.client.patch('Node', '', this.name, { status }, { subresource: 'status' });
  }

  async beat(): Promise<void> {
    await this.client.heartbeat(this.name, { session: this.session });
  }

  async report(run: Run, status: Partial<NonNullable<Run['status']>>): Promise<void> {
    const { namespace = '', name = '' } = run.metadata;
    const patch = { status: { ...status, session: this.session } };
    await this.client.patch('Run', namespace, name, patch, { subresource: 'status' });
  }
}
