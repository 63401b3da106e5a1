import type { ManagedFieldsEntry } from '../../api/index.ts';
import { FieldSet, fromFieldsV1, toFieldsV1 } from './field-set.ts';

/** One owner of fields. The same name may own by Apply and by Update; these are two owners, as in Kubernetes. */
export interface Manager {
  name: string;
  operation: 'Apply' | 'Update';
  fields: FieldSet;
  time?: string;
}

export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined): Manager[] {
  return (entries ?? []).map((entry) => ({
    name: entry.manager,
    operation: entry.operation,
    fields: fromFieldsV1(entry.fieldsV1 as Record<string, unknown> | undefined),
    time: entry.time,
  }));
}

/**
 * The wire form. An entry whose fields are the same as before keeps its time, so that a write that changes
 * nothing is no write. Owners of nothing are left out.
 */
export function writeManagers(
  managers: Manager[],
  before: Manager[],
  now: string,
  apiVersion: string,
): ManagedFieldsEntry[] {
  const entries: ManagedFieldsEntry[] = [];
  for (const { name, operation, fields } of managers) {
    if (fields.size === 0) continue;
    const old = findManager(before, name, operation);
    const time = old?.fields.equals(fields) ? (old.time ?? now) : now;
    entries.push({
      manager: name,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
    });
  }
  return entries;
}

export function findManager(
  managers: Manager[],
  name: string,
  operation: Manager['operation'],
): Manager | undefined {
  return managers.find((manager) => manager.name === name && manager.operation === operation);
}

export function isSame(manager: Manager, name: string, operation: Manager['operation']): boolean {
  return manager.name === name && manager.operation === operation;
}

/** The list with one owner's fields replaced, in its old position. */
export function withFields(
  managers: Manager[],
  name: string,
  operation: Manager['operation'],
  fields: FieldSet,
): Manager[] {
  if (!findManager(managers, name, operation)) return [...managers, { name, operation, fields }];
  return managers.map((manager) => (isSame(manager, name, operation) ? { ...manager, fields } : manager));
}

export function unionOfOthers(managers: Manager[], name: string, operation: Manager['operation']): FieldSet {
  return managers
    .filter((manager) => !isSame(manager, name, operation))
    .reduce((all, manager) => all.union(manager.fields), new FieldSet());
}
