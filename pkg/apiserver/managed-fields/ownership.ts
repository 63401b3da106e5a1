import type { ApiObject } from '../../api/index.ts';
import type { ErrorCause } from '../../base/index.ts';
import { RiverError } from '../../base/index.ts';
import { type FieldSet, printPath } from './field-set.ts';
import {
  findManager,
  isSame,
  type Manager,
  readManagers,
  unionOfOthers,
  withFields,
  writeManagers,
} from './managers.ts';
import { compareValues, fieldSetOf, mergeValues, removeFields } from './values.ts';

/** What has owners: labels, annotations, finalizers, ownerReferences and everything beside metadata and status. */
function ownedPart(object: ApiObject): Record<string, unknown> {
  const { apiVersion: _version, kind: _kind, metadata, status: _status, ...rest } = object;
  const { labels, annotations, finalizers, ownerReferences } = metadata;
  const owned = Object.entries({ labels, annotations, finalizers, ownerReferences }).filter(
    ([, value]) => value !== undefined,
  );
  const parts = Object.entries(rest).filter(([, value]) => value !== undefined);
  return owned.length > 0
    ? { metadata: Object.fromEntries(owned), ...Object.fromEntries(parts) }
    : Object.fromEntries(parts);
}

/** `object` with its owned part replaced by `part`. */
function withOwnedPart(object: ApiObject, part: Record<string, unknown>): ApiObject {
  const { labels: _l, annotations: _a, finalizers: _f, ownerReferences: _o, ...metadata } = object.metadata;
  const { metadata: ownedMetadata, ...rest } = part as { metadata?: object };
  return {
    apiVersion: object.apiVersion,
    kind: object.kind,
    metadata: { ...metadata, ...ownedMetadata },
    ...rest,
    ...(object.status === undefined ? {} : { status: object.status }),
  };
}

export interface OwnershipOptions {
  manager: string;
  /** RFC 3339, for entries that change. */
  now: string;
  force?: boolean;
}

/**
 * Server-side apply of `config` to `live` (undefined: a new object). Pure. Fields that this manager applied before
 * and does not name now are removed, unless somebody else owns them too. A field that another manager owns with
 * another value raises `Conflict` with one cause for each, or changes owner with `force`. Equal values are shared.
 */
export function applyOwned(
  live: ApiObject | undefined,
  config: ApiObject,
  options: OwnershipOptions,
): ApiObject {
  const before = readManagers(live?.metadata.managedFields);
  const part = ownedPart(config);
  const ours = fieldSetOf(part);
  const base = live ? ownedPart(live) : {};
  const others = unionOfOthers(before, options.manager, 'Apply');
  const last = findManager(before, options.manager, 'Apply')?.fields;
  const merged = mergeValues(base, part);
  const keep = ours.union(others);
  const next = last ? removeFields(merged, last, keep) : merged;
  const changes = compareValues(base, next);
  let managers = withFields(before, options.manager, 'Apply', ours);
  managers = takeFromOthers(managers, changes, { ...options, operation: 'Apply' });
  const result = withOwnedPart(live ?? config, next as Record<string, unknown>);
  return withManagers(result, managers, before, options.now);
}

/**
 * Ownership after a replace or patch: what changed belongs to the writer (operation Update) and to nobody else;
 * what is gone belongs to nobody.
 */
export function updateOwned(
  live: ApiObject | undefined,
  next: ApiObject,
  options: OwnershipOptions,
): ApiObject {
  const before = readManagers(live?.metadata.managedFields);
  const changes = compareValues(live ? ownedPart(live) : {}, ownedPart(next));
  if (changes.changed.size === 0 && changes.removed.size === 0) {
    return { ...next, metadata: { ...next.metadata, managedFields: live?.metadata.managedFields } };
  }
  const mine = findManager(before, options.manager, 'Update')?.fields;
  const fields = mine ? mine.difference(changes.removed).union(changes.changed) : changes.changed;
  let managers = withFields(before, options.manager, 'Update', fields);
  managers = takeFromOthers(managers, changes, { ...options, operation: 'Update', force: true });
  return withManagers(next, managers, before, options.now);
}

function withManagers(object: ApiObject, managers: Manager[], before: Manager[], now: string): ApiObject {
  const managedFields = writeManagers(managers, before, now, object.apiVersion);
  return {
    ...object,
    metadata: { ...object.metadata, managedFields: managedFields.length > 0 ? managedFields : undefined },
  };
}

function takeFromOthers(
  managers: Manager[],
  changes: { changed: FieldSet; removed: FieldSet },
  writer: OwnershipOptions & { operation: Manager['operation'] },
): Manager[] {
  const causes: ErrorCause[] = [];
  const result = managers.map((manager) => {
    if (isSame(manager, writer.manager, writer.operation)) return manager;
    const contested = manager.fields.intersection(changes.changed);
    causes.push(...contested.paths().map((path) => conflictCause(manager, printPath(path))));
    return { ...manager, fields: manager.fields.difference(contested).difference(changes.removed) };
  });
  if (causes.length > 0 && !writer.force) throw conflict(causes);
  return result;
}

function conflictCause(manager: Manager, field: string): ErrorCause {
  const how = manager.operation === 'Update' ? ' using river.dev/v1' : '';
  return { reason: 'FieldManagerConflict', message: `conflict with "${manager.name}"${how}`, field };
}

function conflict(causes: ErrorCause[]): RiverError {
  const list = causes.map((cause) => `${cause.message}: ${cause.field}`).join('; ');
  const count = causes.length === 1 ? '1 conflict' : `${causes.length} conflicts`;
  return new RiverError(
    'Conflict',
    `Apply failed with ${count}: ${list}. Take the field out of the manifest, or apply with force to take it over.`,
    { causes },
  );
}
