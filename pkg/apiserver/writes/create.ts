import {
  type ApiObject,
  defaultObject,
  finalizers,
  type Kind,
  type Node,
  type ObjectMeta,
  refuseInvalid,
  resources,
  validateObject,
} from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { authorize, authorizeOwnNode } from '../authorize.ts';
import { updateOwned } from '../managed-fields/index.ts';
import { checkEnvironmentCycle } from './environment-rules.ts';
import { checkNodeFence } from './node-rules.ts';
import { checkInitialRun } from './run-rules.ts';
import type { WriteSession, Written } from './session.ts';

/** POST. Raises `AlreadyExists`, `Invalid`, `Forbidden`, `BadRequest`. */
export function createObject(session: WriteSession, kind: Kind, submitted: ApiObject): Written {
  authorize(session.identity, 'create', kind);
  if (submitted.metadata.resourceVersion) {
    throw new RiverError(
      'BadRequest',
      'metadata.resourceVersion must be left out of an object to be created',
    );
  }
  const object = {
    ...submitted,
    metadata: { ...submitted.metadata, name: nameFor(session, submitted.metadata) },
  };
  const owned = resources[kind].userWritable
    ? updateOwned(undefined, withoutSystemFields(object), { manager: session.manager, now: session.now })
    : withoutSystemFields(object);
  return insertNew(session, kind, owned);
}

/** The last steps of every creation: defaults, checks, and what the host alone sets. */
export function insertNew(session: WriteSession, kind: Kind, object: ApiObject): Written {
  if (kind === 'Node') authorizeOwnNode(session.identity, object.metadata.name);
  // Without its Node a machine could not tell how what runs there has ended.
  else session.refuseMore();
  const defaulted = defaultObject(withSource(session, object), session.options.defaults());
  const { metadata } = defaulted;
  const complete: ApiObject = {
    ...defaulted,
    metadata: {
      ...metadata,
      finalizers: withHostFinalizer(kind, metadata.finalizers),
      uid: session.options.rng.uuid(),
      creationTimestamp: session.now,
      ...(resources[kind].hasStatus ? { generation: 1 } : {}),
    },
    ...(kind === 'Run' ? { status: { phase: 'Pending' } } : {}),
  };
  refuseInvalid(kind, metadata.name ?? '', validateObject(kind, complete));
  if (kind === 'Node') checkNodeFence(session, undefined, complete as Node);
  if (kind === 'Run') checkInitialRun(session, complete);
  if (kind === 'Environment') checkEnvironmentCycle(session, complete);
  refuseExisting(session, kind, metadata);
  return session.insert(complete);
}

/** What the host alone sets: clients send it back as they got it. `generateName` has done its work by then. */
const systemFields: ReadonlySet<string> = new Set<keyof ObjectMeta | 'generateName'>([
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'managedFields',
  'generateName',
]);

/** Only what its writer may say. What nobody may say (an unknown field) stays: the checks that follow refuse it. */
export function withoutSystemFields(object: ApiObject): ApiObject {
  const { status: _status, ...rest } = object;
  const metadata = Object.entries(object.metadata).filter(([field]) => !systemFields.has(field));
  return { ...rest, metadata: Object.fromEntries(metadata) };
}

function nameFor(
  session: WriteSession,
  metadata: ObjectMeta & { generateName?: unknown },
): string | undefined {
  if (metadata.name || typeof metadata.generateName !== 'string') return metadata.name;
  return metadata.generateName + Buffer.from(session.options.rng.bytes(5)).toString('hex');
}

/** An Event from a node always says so, whatever it says itself. */
function withSource(session: WriteSession, object: ApiObject): ApiObject {
  if (object.kind !== 'Event' || session.identity.role !== 'node') return object;
  const { source } = object as ApiObject & { source?: object };
  return { ...object, source: { ...source, host: session.identity.name } } as ApiObject;
}

const hostFinalizers: Partial<Record<Kind, string>> = {
  Task: finalizers.runs,
  Run: finalizers.teardown,
  Environment: finalizers.environment,
};

function withHostFinalizer(kind: Kind, present: string[] | undefined): string[] | undefined {
  const own = hostFinalizers[kind];
  // What is no list is left for the checks to refuse.
  if (own === undefined || !Array.isArray(present ?? [])) return present;
  return [...new Set([...(present ?? []), own])];
}

function refuseExisting(session: WriteSession, kind: Kind, { namespace = '', name = '' }: ObjectMeta): void {
  if (!session.transaction.get(kind, namespace, name)) return;
  throw new RiverError('AlreadyExists', `${resources[kind].plural}.river.dev "${name}" already exists`, {
    kind: resources[kind].plural,
    name,
  });
}
