import {
  type ApiObject,
  type Condition,
  type Kind,
  type Node,
  type Run,
  refuseInvalid,
  resources,
  setCondition,
  validateObject,
} from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import type { StoredRecord } from '../../store/index.ts';
import { authorize, authorizeOwnNode } from '../authorize.ts';
import { mergePatch } from '../patches/merge-patch.ts';
import { checkNodeKey, judgedConditions } from './node-rules.ts';
import { checkPreconditions } from './preconditions.ts';
import { checkRunStatus, endMarked, releasedWhenRefused } from './run-rules.ts';
import type { WriteSession, Written } from './session.ts';
import { recordUsage } from './usage.ts';

type JsonMap = Record<string, unknown>;

/** Merge patch of status alone: `conditions` merge by type, and each keeps its transition time while its status does. */
export function patchStatus(
  session: WriteSession,
  kind: Kind,
  namespace: string,
  name: string,
  patch: JsonMap,
): Written {
  authorizeStatus(session, kind, name);
  const record = session.load(kind, namespace, name);
  checkPreconditions(session, record, (patch.metadata ?? {}) as { uid?: string; resourceVersion?: string });
  const change = asMap(patch.status ?? {});
  return writeStatus(
    session,
    record,
    mergeStatus(asMap(record.object.status ?? {}), change, session.now),
    change,
  );
}

/** PUT of status: replaces it. */
export function replaceStatus(session: WriteSession, kind: Kind, submitted: ApiObject): Written {
  const { namespace = '', name = '' } = submitted.metadata;
  authorizeStatus(session, kind, name);
  const record = session.load(kind, namespace, name);
  checkPreconditions(session, record, submitted.metadata);
  const status = asMap(submitted.status ?? {});
  return writeStatus(session, record, status, status);
}

function authorizeStatus(session: WriteSession, kind: Kind, name: string): void {
  authorize(session.identity, 'status', kind);
  if (!resources[kind].hasStatus)
    throw new RiverError('NotFound', `${resources[kind].plural} have no status`);
  if (kind === 'Node') authorizeOwnNode(session.identity, name);
}

function writeStatus(
  session: WriteSession,
  record: StoredRecord,
  status: JsonMap,
  reported: JsonMap,
): Written {
  const { kind, object: old } = record;
  let next: ApiObject = { ...old, status: storedStatus(session, kind, old, status) };
  refuseInvalid(kind, record.name, validateObject(kind, next, { subresource: 'status' }));
  if (kind === 'Node') checkNodeKey(session, old as Node, next as Node);
  if (kind === 'Run') {
    checkRunStatus(session, old as Run, next as Run, reported.session);
    next = releasedWhenRefused(old as Run, endMarked(session, old as Run, next as Run));
  }
  const written = session.replace(record, next);
  if (kind === 'Run') recordUsage(session, old as Run, written.object as Run);
  return written;
}

function mergeStatus(old: JsonMap, patch: JsonMap, now: string): JsonMap {
  const { conditions, ...rest } = patch;
  const merged = asMap(mergePatch(old, rest));
  if (conditions === undefined) return merged;
  if (!Array.isArray(conditions)) return asMap(mergePatch(merged, { conditions }));
  let list = Array.isArray(old.conditions) ? (old.conditions as Condition[]) : undefined;
  for (const condition of conditions as Condition[]) {
    const { lastTransitionTime, ...rest } = asMap(condition) as unknown as Condition;
    list = setCondition(list, rest, lastTransitionTime ?? now);
  }
  return { ...merged, conditions: list ?? [] };
}

/** Live values are kept in memory only: a beat must never become a write. */
function storedStatus(session: WriteSession, kind: Kind, old: ApiObject, status: JsonMap): JsonMap {
  if (kind === 'Node') return storedNodeStatus(session, old as Node, status);
  return kind === 'Run' ? storedRunStatus(status) : status;
}

function storedRunStatus(status: JsonMap): JsonMap {
  if (status.usage === undefined) return status;
  const { usage, ...rest } = status;
  const { cores: _cores, memoryUsed: _memoryUsed, ...stored } = asMap(usage);
  return Object.keys(stored).length > 0 ? { ...rest, usage: stored } : rest;
}

function storedNodeStatus(session: WriteSession, old: Node, status: JsonMap): JsonMap {
  const { usage: _usage, lastHeartbeat: _lastHeartbeat, ...stored } = status;
  const conditions = judgedConditions(session, old, stored as Node['status']);
  return conditions === undefined ? stored : { ...stored, conditions };
}

function asMap(value: unknown): JsonMap {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonMap;
  throw new RiverError('Invalid', 'status and its conditions must be objects');
}
