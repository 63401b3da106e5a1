import { RiverError } from '../../base/index.ts';

/** The form of `~/.kube/config`, with the fields that River uses; others are kept as they are. */
export interface Kubeconfig {
  apiVersion: 'v1';
  kind: 'Config';
  clusters: Named<'cluster', { server: string; 'certificate-authority-data'?: string }>[];
  users: Named<'user', { token?: string }>[];
  contexts: Named<'context', { cluster: string; user: string; namespace?: string }>[];
  'current-context'?: string;
}

type Named<Key extends string, Value> = { name: string } & { [key in Key]: Value };

/** Where the host is and who asks. */
export interface ConnectionEntry {
  /** Of the context, and of its cluster and user. */
  name: string;
  server: string;
  /** Certificate of the host's authority, PEM. */
  ca: string;
  token?: string;
  /** Default namespace of the commands. */
  namespace?: string;
}

export const emptyKubeconfig: Kubeconfig = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [],
  users: [],
  contexts: [],
};

/** `config` with the entry added or replaced and made the current context. Pure; all other entries stay. */
export function withEntry(config: Kubeconfig, entry: ConnectionEntry): Kubeconfig {
  const { name, server, ca, token, namespace } = entry;
  const trusted = Buffer.from(ca).toString('base64');
  return {
    ...config,
    clusters: replaced(config.clusters, {
      name,
      cluster: { server, 'certificate-authority-data': trusted },
    }),
    users: replaced(config.users, { name, user: token === undefined ? {} : { token } }),
    contexts: replaced(config.contexts, {
      name,
      context: { cluster: name, user: name, ...(namespace ? { namespace } : {}) },
    }),
    'current-context': name,
  };
}

/** The entry of a context (the current one when left out). Raises `BadRequest` saying what is missing in `file`. */
export function entryOf(config: Kubeconfig, file: string, contextName?: string): ConnectionEntry {
  const wanted = contextName ?? config['current-context'];
  if (!wanted)
    throw new RiverError('BadRequest', `${file} has no current-context: set one, or pass --context`);
  const context = byName(config.contexts, wanted)?.context;
  if (!context) {
    const known = config.contexts.map((entry) => entry.name).join(', ') || 'none';
    throw new RiverError('BadRequest', `${file} has no context ${wanted}; it has: ${known}`);
  }
  const cluster = byName(config.clusters, context.cluster)?.cluster;
  const server = cluster?.server;
  if (!server)
    throw new RiverError(
      'BadRequest',
      `${file} has no server for cluster ${context.cluster} of context ${wanted}`,
    );
  const trusted = cluster?.['certificate-authority-data'];
  if (!trusted)
    throw new RiverError(
      'BadRequest',
      `${file} has no certificate-authority-data for cluster ${context.cluster}: copy the file again from where the host runs`,
    );
  const ca = Buffer.from(trusted, 'base64').toString('utf8');
  const token = byName(config.users, context.user)?.user?.token;
  return { name: wanted, server, ca, token, namespace: context.namespace };
}

function byName<T extends { name: string }>(entries: T[], name: string): T | undefined {
  return entries.find((entry) => entry.name === name);
}

function replaced<T extends { name: string }>(entries: T[], entry: T): T[] {
  return byName(entries, entry.name)
    ? entries.map((old) => (old.name === entry.name ? entry : old))
    : [...entries, entry];
}
