import {
  type ApiObject,
  findResource,
  type Identity,
  type Kind,
  type ObjectOf,
  resources,
} from '../api/index.ts';
import { RiverError } from '../base/index.ts';
import type * as client from '../client/index.ts';
import type { Row } from './reads.ts';
import type { ApiService } from './service.ts';

/**
 * A Client of one identity in the host's own process, for controllers, scheduler, an embedded runner and the simulator:
 * the same checks as over HTTP, no transport. Answers come as microtasks and commits of the store do.
 */
export class LocalClient implements client.Client {
  readonly #service: ApiService;
  readonly #identity: Identity;

  constructor(service: ApiService, identity: Identity) {
    this.#service = service;
    this.#identity = identity;
  }

  async get<K extends Kind>(kind: K, namespace: string, name: string): Promise<ObjectOf<K>> {
    return this.#service.get(this.#identity, kind, namespace, name).object as ObjectOf<K>;
  }

  async list<K extends Kind>(
    kind: K,
    options: client.ListOptions = {},
  ): Promise<client.ObjectList<ObjectOf<K>>> {
    const items: ObjectOf<K>[] = [];
    let version = 0;
    let last: { next?: string; remaining?: number } = {};
    for await (const page of this.#service.pages(this.#identity, kind, options)) {
      for (const row of page.rows) items.push(row.object as ObjectOf<K>);
      version = page.version;
      last = page;
    }
    return {
      items,
      resourceVersion: String(version),
      continue: last.next,
      remainingItemCount: last.remaining,
    };
  }

  async create<K extends Kind>(
    kind: K,
    object: ObjectOf<K>,
    options?: client.WriteOptions,
  ): Promise<ObjectOf<K>> {
    checkKind(kind, object);
    return (await this.#service.create(this.#identity, kind, object, options)).object as ObjectOf<K>;
  }

  async update<K extends Kind>(
    kind: K,
    object: ObjectOf<K>,
    options?: client.WriteOptions,
  ): Promise<ObjectOf<K>> {
    return (await this.#service.update(this.#identity, kind, object, options)).object as ObjectOf<K>;
  }

  async patch<K extends Kind>(
    kind: K,
    namespace: string,
    name: string,
    patch: Record<string, unknown>,
    options: client.WriteOptions & { subresource?: 'status' } = {},
  ): Promise<ObjectOf<K>> {
    const written =
      options.subresource === 'status'
        ? await this.#service.patchStatus(this.#identity, kind, namespace, name, patch, options)
        : await this.#service.patch(this.#identity, kind, namespace, name, patch, options);
    return written.object as ObjectOf<K>;
  }

  async apply(object: ApiObject, options: client.ApplyOptions): Promise<client.ApplyResult> {
    const kind = findResource(object.kind)?.kind;
    if (!kind) throw new RiverError('NotFound', `there is no kind ${object.kind}`);
    const written = await this.#service.apply(this.#identity, kind, object, options);
    return {
      object: written.object,
      outcome: written.outcome === 'deleted' ? 'configured' : written.outcome,
      ...(written.warnings ? { warnings: written.warnings } : {}),
    };
  }

  async delete<K extends Kind>(
    kind: K,
    namespace: string,
    name: string,
    options?: client.DeleteOptions,
  ): Promise<ObjectOf<K>> {
    return (await this.#service.delete(this.#identity, kind, namespace, name, options)).object as ObjectOf<K>;
  }

  async bind(namespace: string, run: string, binding: client.Binding): Promise<ObjectOf<'Run'>> {
    return (await this.#service.bind(this.#identity, namespace, run, binding)).object as ObjectOf<'Run'>;
  }

  async heartbeat(node: string, heartbeat: client.Heartbeat): Promise<client.HeartbeatAnswer> {
    return this.#service.heartbeat(this.#identity, node, heartbeat);
  }

  async *logs(namespace: string, run: string, options: client.LogOptions): AsyncGenerator<Uint8Array> {
    const log = await this.#service.openLog(this.#identity, namespace, run, options);
    options.startsAt?.(log.startsAt);
    yield* log.chunks;
  }

  async version(): Promise<client.ServerVersion> {
    return this.#service.version();
  }

  /** As over HTTP, what is wrong from the start also comes as `closed`, never as a throw. */
  watch<K extends Kind>(
    kind: K,
    options: client.WatchOptions,
    handler: client.WatchHandler<ObjectOf<K>>,
  ): { close(): void } {
    let closed = false;
    const rows = {
      event: (type: 'ADDED' | 'MODIFIED' | 'DELETED', row: Row) =>
        handler.event({ type, object: row.object as ObjectOf<K> }),
      bookmark: (version: number) => handler.bookmark?.(String(version)),
      closed: (error: Error) => handler.closed(error),
    };
    try {
      return this.#service.watch(this.#identity, kind, options, rows);
    } catch (error) {
      queueMicrotask(() => {
        if (!closed) handler.closed(error as Error);
      });
      return {
        close: () => {
          closed = true;
        },
      };
    }
  }
}

function checkKind(kind: Kind, object: ApiObject): void {
  if (object.kind === kind) return;
  throw new RiverError('BadRequest', `this is a ${object.kind}, not one of ${resources[kind].plural}`);
}
