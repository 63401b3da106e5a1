import type { ApiObject, Kind, ObjectMeta, ObjectOf } from '../../api/index.ts';
import { findResource } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import type { ShellProcess, ShellRequest } from '../../shell/index.ts';
import type * as environments from '../environments.ts';
import type * as heartbeats from '../heartbeats.ts';
import type * as joining from '../joining.ts';
import type * as types from '../types.ts';
import { Connection, type HttpClientOptions } from './connection.ts';
import { environmentPath, streamEnvironment } from './environments.ts';
import { streamLogs } from './logs.ts';
import { resourcePath, uploadPath } from './paths.ts';
import { startWatch } from './watch.ts';

export type { HttpClientOptions } from './connection.ts';

interface WireList {
  items: unknown[];
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
}

/** A Client that also holds connections; `close` lets go of them. */
export interface HttpClient
  extends types.Client,
    joining.Joining,
    environments.EnvironmentFiles,
    environments.EnvironmentActions,
    environments.FileUploads {
  close(): void;
}

/** The API over HTTP. Raises `BadRequest` at once for an address that is none. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  return new ClientOverHttp(new Connection(options));
}

class ClientOverHttp implements HttpClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async get<K extends Kind>(kind: K, namespace: string, name: string): Promise<ObjectOf<K>> {
    const answer = await this.#connection.call({ method: 'GET', path: resourcePath(kind, namespace, name) });
    return answer.body as ObjectOf<K>;
  }

  async list<K extends Kind>(
    kind: K,
    options: types.ListOptions = {},
  ): Promise<types.ObjectList<ObjectOf<K>>> {
    const { namespace, ...query } = options;
    const answer = await this.#connection.call({ method: 'GET', path: resourcePath(kind, namespace), query });
    const { items, metadata } = answer.body as WireList;
    return {
      items: items as ObjectOf<K>[],
      resourceVersion: metadata.resourceVersion,
      continue: metadata.continue || undefined,
      remainingItemCount: metadata.remainingItemCount,
    };
  }

  async create<K extends Kind>(
    kind: K,
    object: ObjectOf<K>,
    options: types.WriteOptions = {},
  ): Promise<ObjectOf<K>> {
    const path = resourcePath(kind, object.metadata.namespace);
    const answer = await this.#connection.call({
      method: 'POST',
      path,
      query: writeQuery(options),
      body: object,
    });
    return answer.body as ObjectOf<K>;
  }

  async update<K extends Kind>(
    kind: K,
    object: ObjectOf<K>,
    options: types.WriteOptions = {},
  ): Promise<ObjectOf<K>> {
    const path = objectPath(kind, object.metadata);
    const answer = await this.#connection.call({
      method: 'PUT',
      path,
      query: writeQuery(options),
      body: object,
    });
    return answer.body as ObjectOf<K>;
  }

  async patch<K extends Kind>(
    kind: K,
    namespace: string,
    name: string,
    patch: Record<string, unknown>,
    options: types.WriteOptions & { subresource?: 'status' } = {},
  ): Promise<ObjectOf<K>> {
    const answer = await this.#connection.call({
      method: 'PATCH',
      path: resourcePath(kind, namespace, name, options.subresource),
      query: writeQuery(options),
      contentType: 'application/merge-patch+json',
      body: patch,
    });
    return answer.body as ObjectOf<K>;
  }

  async apply(object: ApiObject, options: types.ApplyOptions): Promise<types.ApplyResult> {
    const kind = findResource(object.kind)?.kind;
    if (!kind) throw new RiverError('NotFound', `there is no kind ${object.kind}`);
    const answer = await this.#connection.call({
      method: 'PATCH',
      path: objectPath(kind, object.metadata),
      query: { ...writeQuery(options), force: options.force },
      contentType: 'application/apply-patch+yaml',
      body: object,
    });
    const outcome = answer.header('x-river-outcome') as types.ApplyResult['outcome'] | undefined;
    const warnings = warningsOf(answer.header('warning') ?? '');
    return {
      ...{ object: answer.body as ApiObject, outcome: outcome ?? 'configured' },
      ...(warnings.length > 0 ? { warnings } : {}),
    };
  }

  async delete<K extends Kind>(
    kind: K,
    namespace: string,
    name: string,
    options: types.DeleteOptions = {},
  ): Promise<ObjectOf<K>> {
    const { uid, resourceVersion, dryRun } = options;
    const preconditions = uid || resourceVersion ? { uid, resourceVersion } : undefined;
    const answer = await this.#connection.call({
      method: 'DELETE',
      path: resourcePath(kind, namespace, name),
      query: writeQuery({ dryRun }),
      body: preconditions && { apiVersion: 'v1', kind: 'DeleteOptions', preconditions },
    });
    return answer.body as ObjectOf<K>;
  }

  async bind(namespace: string, run: string, binding: types.Binding): Promise<ObjectOf<'Run'>> {
    const path = resourcePath('Run', namespace, run, 'binding');
    const answer = await this.#connection.call({ method: 'POST', path, body: binding });
    return answer.body as ObjectOf<'Run'>;
  }

  async heartbeat(node: string, heartbeat: heartbeats.Heartbeat): Promise<heartbeats.HeartbeatAnswer> {
    const path = resourcePath('Node', '', node, 'heartbeat');
    const answer = await this.#connection.call({ method: 'POST', path, body: heartbeat });
    return answer.body as heartbeats.HeartbeatAnswer;
  }

  logs(namespace: string, run: string, options: types.LogOptions): AsyncIterable<Uint8Array> {
    return streamLogs(this.#connection, resourcePath('Run', namespace, run, 'log'), run, options);
  }

  async version(): Promise<types.ServerVersion> {
    return (await this.#connection.call({ method: 'GET', path: '/version' })).body as types.ServerVersion;
  }

  watch<K extends Kind>(
    kind: K,
    options: types.WatchOptions,
    handler: types.WatchHandler<ObjectOf<K>>,
  ): { close(): void } {
    return startWatch(this.#connection, kind, options, handler);
  }

  async createJoinToken(node: string, options: joining.JoinTokenOptions): Promise<joining.JoinToken> {
    const path = resourcePath('Node', '', node, 'jointoken');
    return (await this.#connection.call({ method: 'POST', path, body: options })).body as joining.JoinToken;
  }

  async revokeNode(node: string): Promise<void> {
    await this.#connection.call({ method: 'DELETE', path: resourcePath('Node', '', node, 'credential') });
  }

  async join(node: string, request: joining.JoinRequest): Promise<joining.JoinAnswer> {
    const path = resourcePath('Node', '', node, 'credential');
    return (await this.#connection.call({ method: 'POST', path, body: request })).body as joining.JoinAnswer;
  }

  async environmentIndex(name: string, digest: string): Promise<unknown> {
    const path = environmentPath(name, digest, 'index');
    return (await this.#connection.call({ method: 'GET', path })).body;
  }

  environmentBytes(
    name: string,
    digest: string,
    range: { offset: number; size: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array> {
    return streamEnvironment(this.#connection, environmentPath(name, digest, 'tarball'), range, signal);
  }

  async rollBack(name: string, digest: string): Promise<ObjectOf<'Environment'>> {
    const path = resourcePath('Environment', '', name, 'rollback');
    const answer = await this.#connection.call({ method: 'POST', path, body: { digest } });
    return answer.body as ObjectOf<'Environment'>;
  }

  async commit(name: string, message?: string): Promise<ObjectOf<'Environment'>> {
    const path = resourcePath('Environment', '', name, 'commit');
    const answer = await this.#connection.call({ method: 'POST', path, body: { message } });
    return answer.body as ObjectOf<'Environment'>;
  }

  async discard(name: string): Promise<ObjectOf<'Environment'>> {
    const path = resourcePath('Environment', '', name, 'discard');
    return (await this.#connection.call({ method: 'POST', path, body: {} })).body as ObjectOf<'Environment'>;
  }

  buildLog(name: string, options: environments.BuildLogOptions): AsyncIterable<Uint8Array> {
    const path = resourcePath('Environment', '', name, 'log');
    return streamLogs(this.#connection, path, name, options);
  }

  async openShell(name: string, request: ShellRequest, signal?: AbortSignal): Promise<ShellProcess> {
    const { openShell } = await import('./shells.ts');
    return openShell(this.#connection, resourcePath('Environment', '', name, 'exec'), request, signal);
  }

  async uploadState(sha256: string): Promise<environments.UploadState> {
    const answer = await this.#connection.call({ method: 'GET', path: uploadPath(sha256) });
    return answer.body as environments.UploadState;
  }

  async uploadPart(
    sha256: string,
    offset: number,
    bytes: Uint8Array,
    last: boolean,
  ): Promise<environments.UploadState> {
    const answer = await this.#connection.call({
      method: 'PUT',
      path: uploadPath(sha256),
      query: { offset, last },
      contentType: 'application/octet-stream',
      body: bytes,
    });
    return answer.body as environments.UploadState;
  }

  close(): void {
    this.#connection.close();
  }
}

/** The server checks that the body says the same; only a missing name has to be caught here, before a list is meant. */
function objectPath(kind: Kind, metadata: ObjectMeta): string {
  if (!metadata.name) throw new RiverError('BadRequest', 'metadata.name is missing');
  return resourcePath(kind, metadata.namespace, metadata.name);
}

function writeQuery(options: types.WriteOptions) {
  return { dryRun: options.dryRun ? 'All' : undefined, fieldManager: options.fieldManager };
}

/** RFC 7234; several stand in one header, separated by commas. */
function warningsOf(header: string): string[] {
  const texts = header.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g);
  return [...texts].map(([, text = '']) => text.replaceAll(/\\(.)/g, '$1'));
}
