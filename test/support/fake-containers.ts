import type { ContainerChanges } from '../../pkg/api/index.ts';
import { RiverError } from '../../pkg/base/index.ts';
import {
  type CommitRequest,
  type CommitResult,
  type ContainerLimits,
  type ContainerState,
  type EnvironmentContainers,
  noChanges,
} from '../../pkg/builder/index.ts';

interface FakeContainer extends ContainerState {
  changes: ContainerChanges;
}

/** An engine without one: containers by name. What it was asked to do is in `done`. */
export class FakeContainers implements EnvironmentContainers {
  readonly there = new Map<string, FakeContainer>();
  readonly done: string[] = [];
  readonly committed: CommitRequest[] = [];
  reads = 0;
  /** What everything raises. */
  fail: Error | undefined;
  /** Commits end when this does. */
  gate: Promise<void> | undefined;
  #made = 0;
  #onChange: (name?: string) => void = () => {};

  /** Somebody does something in it, as the engine tells it. */
  use(name: string, change: Partial<FakeContainer>): void {
    Object.assign(this.#get(name), change);
    this.#onChange(name);
  }

  touch(name: string, path: string): void {
    this.use(name, { changes: { added: 1, changed: 0, deleted: 0, paths: [`A ${path}`] } });
  }

  /** The engine comes back with nothing. */
  wipe(): void {
    this.there.clear();
    this.#onChange();
  }

  async find(name: string): Promise<ContainerState | undefined> {
    if (this.fail) throw this.fail;
    const found = this.there.get(name);
    return found && { ...found };
  }

  async create(name: string, digest: string, limits: ContainerLimits): Promise<void> {
    this.#did('create', name);
    this.#made += 1;
    const id = `c${this.#made}`;
    const state = { id, digest, limits, running: false, inUse: false, changes: noChanges };
    this.there.set(name, { ...state, name: `river-env-${name}`, since: '2026-01-01T00:00:00.000Z' });
  }

  async start(name: string): Promise<void> {
    this.#did('start', name);
    this.#get(name).running = true;
  }

  async stop(name: string): Promise<void> {
    this.#did('stop', name);
    Object.assign(this.#get(name), { running: false, inUse: false });
  }

  async limit(name: string, limits: ContainerLimits): Promise<void> {
    this.#did('limit', name);
    this.#get(name).limits = limits;
  }

  async remove(name: string): Promise<void> {
    this.#did('remove', name);
    this.there.delete(name);
  }

  async changes(name: string): Promise<ContainerChanges> {
    this.reads += 1;
    return this.#get(name).changes;
  }

  /** As if everything had been committed that is in it when it is committed, and nothing had come since. */
  async isCommitted(_name: string, digest: string): Promise<boolean> {
    return this.committed.some(({ id }) => digestOf(id) === digest);
  }

  async commit(request: CommitRequest): Promise<CommitResult> {
    this.#did('commit', request.name);
    await this.gate;
    if (request.signal.aborted) throw new RiverError('ServiceUnavailable', 'given up');
    this.committed.push(request);
    const { name, id, builtAt } = request;
    const digest = digestOf(id);
    const tarball = { path: `/tarballs/${name}-${id}.tar`, size: 1, builtAt };
    return { digest, image: `river/${name}:${digest.slice(7, 19)}`, tarball };
  }

  follow(onChange: (name?: string) => void): { close(): void } {
    this.#onChange = onChange;
    return { close: () => {} };
  }

  #did(what: string, name: string): void {
    if (this.fail) throw this.fail;
    this.done.push(`${what} ${name}`);
  }

  #get(name: string): FakeContainer {
    const found = this.there.get(name);
    if (!found) throw new RiverError('BadRequest', `no container ${name}`);
    return found;
  }
}

function digestOf(request: string): string {
  return `sha256:${request.replaceAll(/[^0-9a-f]/g, '').padEnd(64, '0')}`;
}
