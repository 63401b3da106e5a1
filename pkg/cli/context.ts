import type { Resource } from '../api/index.ts';
import type { HttpClient } from '../client/index.ts';
import type { CliIo } from './io.ts';

/** Flags that every command takes. */
export interface GlobalFlags {
  /** File with the host's address and the token. */
  config?: string;
  /** One of the contexts in that file. */
  context?: string;
  namespace?: string;
  allNamespaces?: boolean;
}

export interface Connection {
  client: HttpClient;
  /** Address of the host, as the config file says it. */
  server: string;
  /** Of the context in use, or `default`. */
  namespace: string;
  /** Lets go of its connections, so that the program can end. */
  close(): void;
}

/** What a command gets: where it runs, what was asked for everywhere, and the way to the host, opened on first use. */
export interface Context {
  io: CliIo;
  flags: GlobalFlags;
  /** Of this program. */
  version: string;
  connect(): Promise<Connection>;
}

/** Where a command looks: '' for cluster kinds, undefined for all namespaces (lists only). */
export function listNamespace(
  context: Context,
  connection: Connection,
  resource: Resource,
): string | undefined {
  if (!resource.namespaced || context.flags.allNamespaces) return undefined;
  return context.flags.namespace ?? connection.namespace;
}

export function objectNamespace(context: Context, connection: Connection, resource: Resource): string {
  return resource.namespaced ? (context.flags.namespace ?? connection.namespace) : '';
}

export function print(context: Context, line: string): Promise<void> {
  return context.io.stdout.write(`${line}\n`);
}

export function warn(context: Context, line: string): Promise<void> {
  return context.io.stderr.write(`${line}\n`);
}
