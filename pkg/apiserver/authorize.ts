import { type ApiObject, type Identity, type Kind, type Run, resources } from '../api/index.ts';
import { RiverError } from '../base/index.ts';

export type Verb = 'read' | 'create' | 'update' | 'status' | 'delete' | 'bind' | 'heartbeat' | 'log' | 'exec';
type Rights = Partial<Record<Kind, readonly Verb[]>>;

const writeEvents: readonly Verb[] = ['create', 'update'];

/** What people may do. Runs and Events are made by the host and its nodes; status belongs to whoever observes. */
const admin: Rights = {
  Task: ['read', 'create', 'update', 'delete'],
  Run: ['read', 'log'],
  Node: ['read', 'create', 'update', 'delete'],
  Environment: ['read', 'create', 'update', 'delete', 'exec'],
  Event: ['read'],
  Usage: ['read'],
};

const node: Rights = {
  Run: ['read', 'status'],
  Node: ['read', 'create', 'update', 'status', 'heartbeat'],
  Event: writeEvents,
};

const controllers: Readonly<Record<string, Rights>> = {
  task: {
    Environment: ['read'],
    Task: ['read', 'update', 'status'],
    Run: ['read', 'create', 'update', 'status', 'delete'],
    Node: ['read'],
    Event: ['read', ...writeEvents],
  },
  node: {
    Node: ['read', 'update', 'status'],
    Run: ['read', 'update', 'status'],
    Event: ['read', ...writeEvents],
  },
  reaper: {
    Task: ['read', 'update', 'status'],
    Run: ['read', 'update', 'status', 'delete'],
    Node: ['read'],
    Event: ['read', ...writeEvents, 'delete'],
    Usage: ['read', 'delete'],
  },
  environment: {
    Environment: ['read', 'update', 'status'],
    Run: ['read'],
    Task: ['read'],
    Node: ['read'],
    Event: ['read', ...writeEvents],
  },
  scheduler: {
    Environment: ['read'],
    Task: ['read'],
    Run: ['read', 'status', 'bind'],
    Node: ['read'],
    Event: ['read', ...writeEvents],
  },
};

function rightsOf(identity: Identity): Rights {
  if (identity.role === 'admin') return admin;
  return identity.role === 'node' ? node : (controllers[identity.name] ?? {});
}

/** Raises `Forbidden` with who, what, and what to do in its place where that is known. */
export function authorize(identity: Identity, verb: Verb, kind: Kind): void {
  if (rightsOf(identity)[kind]?.includes(verb)) return;
  const hint =
    identity.role === 'admin' && kind === 'Run'
      ? ': runs belong to their task; use river stop, rerun or delete on that'
      : '';
  throw new RiverError(
    'Forbidden',
    `${identity.role} ${identity.name} may not ${phrase(verb)} ${resources[kind].plural}${hint}`,
    {
      kind: resources[kind].plural,
    },
  );
}

function phrase(verb: Verb): string {
  if (verb === 'status') return 'change the status of';
  if (verb === 'log') return 'read the output of';
  if (verb === 'exec') return 'run programs in';
  return verb;
}

/** A node acts for itself only. Raises `Forbidden`. */
export function authorizeOwnNode(identity: Identity, name: string | undefined): void {
  if (identity.role !== 'node' || identity.name === name) return;
  throw new RiverError(
    'Forbidden',
    `node ${identity.name} may not act for node ${name}: each machine joins under its own name`,
  );
}

/** Whether this identity sees the object at all: a node sees itself and the Runs bound to it. */
export function isVisible(identity: Identity, object: ApiObject): boolean {
  if (identity.role !== 'node') return true;
  if (object.kind === 'Node') return object.metadata.name === identity.name;
  return object.kind === 'Run' && (object as Run).spec.placement?.node === identity.name;
}
