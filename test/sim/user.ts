import type { Task, TaskSpec } from '../../pkg/api/index.ts';
import { errorMessage, hasCode, RiverError, type Rng } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import type { Incarnation } from './incarnation.ts';
import { calmNetwork } from './network.ts';
import { type Deed, type Lab, manifest, program, randomSpec, randomStory } from './workload.ts';
import { between, pick, type World } from './world.ts';

/** What a person may count on: everything in here was acknowledged. */
export interface TaskModel {
  name: string;
  uid: string | undefined;
  exists: boolean;
  spec: TaskSpec;
  labels: Record<string, string> | undefined;
  stopped: boolean;
  /** Set by `pause` and `resume`; undefined: as the manifest says. */
  suspended: boolean | undefined;
  rerun: string | undefined;
  /** The highest limit of retries that it ever had. */
  retries: number;
  /** The highest parallelism that it ever had. */
  parallelism: number;
  /** A stop may have ended a run of the present spec: Stopped is then a right end. */
  mayBeStopped: boolean;
  /** Its last deed is acknowledged, nothing is under way. */
  settled: boolean;
}

/** Longer than any repeated request can be late: deeds of one person to one task do not overtake each other. */
const quietMs = 8_000;
const namespace = 'default';

/** A person with one task: makes it, does things to it, and tries again until each is acknowledged. */
export class User {
  readonly model: TaskModel;
  readonly #world: World;
  readonly #life: Incarnation;
  readonly #client: Client;
  readonly #rng: Rng;
  readonly #lab: Lab;

  constructor(world: World, life: Incarnation, client: Client, name: string, lab: Lab) {
    this.#world = world;
    this.#life = life;
    this.#client = client;
    this.#rng = life.rng;
    this.#lab = lab;
    const spec = randomSpec(this.#rng, lab);
    this.model = {
      name,
      uid: undefined,
      exists: false,
      spec,
      labels: undefined,
      stopped: false,
      suspended: undefined,
      rerun: undefined,
      retries: 0,
      parallelism: 0,
      mayBeStopped: false,
      settled: false,
    };
  }

  /** Acts until `endMs` of virtual time at the latest; then waits until its last deed is acknowledged. */
  async live(endMs: number): Promise<void> {
    try {
      await this.#life.wait(between(this.#rng, 0, endMs / 2));
      await this.#apply();
      for (const deed of randomStory(this.#rng)) {
        await this.#life.wait(quietMs + between(this.#rng, 0, 20_000));
        if (this.#world.time > endMs) break;
        await this.#do(deed);
      }
      this.model.settled = true;
    } catch (error) {
      this.#world.fail(`${this.model.name}: a person was refused: ${errorMessage(error)}`);
    }
  }

  leave(): void {
    this.#life.kill();
  }

  async #do(deed: Deed): Promise<void> {
    this.#world.trace('user', deed, this.model.name);
    this.#world.count(`person: ${deed}`);
    const { model } = this;
    if (deed === 'apply again') return this.#apply();
    if (deed === 'label') {
      model.labels = { turn: String(this.#rng.below(100)) };
      return this.#apply();
    }
    if (deed === 'change') {
      model.spec = { ...randomSpec(this.#rng, this.#lab), command: program(this.#rng) };
      // It would meet a conflict: the field is not the manifest's any more.
      if (model.suspended !== undefined) model.spec.suspend = undefined;
      await this.#apply();
      if (!model.stopped) model.mayBeStopped = false;
      return;
    }
    if (deed === 'pause' || deed === 'resume') return this.#setSuspended(deed === 'pause');
    if (deed === 'stop') return this.#patch({ stopped: true });
    if (deed === 'go on') return this.#patch({ stopped: false });
    if (deed === 'rerun') return this.#patch({ rerun: String(this.#rng.below(1_000_000)) });
    if (deed === 'delete') return this.#delete();
    return this.#makeAnew();
  }

  async #apply(): Promise<void> {
    const { model } = this;
    model.retries = Math.max(model.retries, model.spec.retry?.limit ?? 0);
    model.parallelism = Math.max(model.parallelism, model.spec.parallelism ?? Number.POSITIVE_INFINITY);
    const task = manifest(model.name, model.spec, model.labels);
    this.#world.trace('user', 'applies', `${model.name} ${JSON.stringify(task.spec)}`);
    const { object, outcome } = await this.#insist('apply', () =>
      this.#client.apply(task, { fieldManager: 'river' }),
    );
    this.#world.trace('user', `told ${outcome}`, `${model.name}@${object.metadata.resourceVersion}`);
    this.#sameObject(object.metadata.uid);
    model.exists = true;
  }

  async #setSuspended(suspend: boolean): Promise<void> {
    const { model } = this;
    if (model.spec.suspend !== undefined) return;
    await this.#patch({ suspend });
    model.suspended = suspend;
  }

  async #patch(spec: { stopped?: boolean; suspend?: boolean; rerun?: string }): Promise<void> {
    const { model } = this;
    if (spec.stopped) model.mayBeStopped = true;
    const patch = () =>
      this.#client.patch('Task', namespace, model.name, { spec }, { fieldManager: 'river-control' });
    const task: Task = await this.#insist('patch', patch);
    this.#sameObject(task.metadata.uid);
    if (spec.stopped !== undefined) model.stopped = spec.stopped;
    if (spec.rerun === undefined) return;
    model.rerun = spec.rerun;
    if (!model.stopped) model.mayBeStopped = false;
  }

  async #delete(): Promise<void> {
    const { model } = this;
    await this.#insist('delete', async () => {
      try {
        await this.#client.delete('Task', namespace, model.name);
      } catch (error) {
        if (!hasCode(error, 'NotFound')) throw error;
      }
    });
    this.#world.trace('user', 'told deleted', model.name);
    Object.assign(model, {
      exists: false,
      uid: undefined,
      stopped: false,
      suspended: undefined,
      rerun: undefined,
      mayBeStopped: false,
    });
  }

  /** The same name again, once the old one is really gone: before that an apply would change what is leaving. */
  async #makeAnew(): Promise<void> {
    this.model.settled = false;
    for (;;) {
      const gone = await this.#insist('get', async () => {
        try {
          await this.#client.get('Task', namespace, this.model.name);
          return false;
        } catch (error) {
          if (hasCode(error, 'NotFound')) return true;
          throw error;
        }
      });
      if (gone) break;
      await this.#life.wait(2_000);
    }
    await this.#life.wait(quietMs);
    this.model.labels = undefined;
    this.model.spec = randomSpec(this.#rng, this.#lab);
    await this.#apply();
  }

  #sameObject(uid: string | undefined): void {
    const { model } = this;
    if (model.uid !== undefined && uid !== model.uid) {
      this.#world.fail(`${model.name}: acknowledged as ${model.uid}, now it is ${uid}`);
    }
    model.uid = uid;
  }

  async #insist<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof RiverError && error.transient)) throw error;
        this.#world.trace('user', `${what} again`, `${this.model.name}: ${error.code}`);
        await this.#life.wait(pick(this.#rng, [500, 2_000, 5_000]) + calmNetwork.maxDelayMs);
      }
    }
  }
}
