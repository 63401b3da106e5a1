import { type ErrorCause, RiverError } from '../../base/index.ts';
import { type Kind, resources } from '../objects.ts';
import type { EnvironmentSpec, NodeSpec, ObjectMeta, TaskSpec } from '../types.gen.ts';
import {
  environmentNameLimit,
  labelKeyProblem,
  labelValueProblem,
  nameProblem,
  namespaceProblem,
  taskNameLimit,
} from '../values/names.ts';
import { environmentFindings } from './environment-rules.ts';
import type { FieldPath } from './field-path.ts';
import { type Finding, type FindingReason, toCause } from './finding.ts';
import { suggestion } from './nearest.ts';
import { nodeFindings } from './node-rules.ts';
import { describeFound, schemaFindings } from './schema-findings.ts';
import { taskFindings } from './task-rules/index.ts';

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const nameLimits: Partial<Record<Kind, number>> = { Task: taskNameLimit, Environment: environmentNameLimit };

type Check = () => string | undefined;

/** `faults`: what the schema has already found wrong; it is not looked at here. */
function metadataFindings(kind: Kind, metadata: ObjectMeta, faults: readonly FieldPath[]): Finding[] {
  const findings: Finding[] = [];
  const isFaulty = (path: FieldPath) =>
    faults.some((fault) => fault.every((part, index) => part === path[index]));
  const ask = (path: string[], check: Check, reason: FindingReason = 'FieldValueInvalid') => {
    const message = isFaulty(path) ? undefined : check();
    if (message !== undefined) findings.push({ path: ['metadata', ...path], message, reason });
  };
  const { name = '', namespace, labels, annotations } = metadata;
  if (name === '') ask(['name'], () => 'is required', 'FieldValueRequired');
  else ask(['name'], () => nameProblem(name, nameLimits[kind]));
  if (namespace !== undefined) {
    if (resources[kind].namespaced) ask(['namespace'], () => namespaceProblem(namespace));
    else if (namespace !== '')
      ask(['namespace'], () => `must be left out: a ${kind} is in no namespace`, 'FieldValueForbidden');
  }
  for (const [key, value] of Object.entries(labels ?? {})) {
    ask(['labels', key], () => labelKeyProblem(key) ?? labelValueProblem(value));
  }
  for (const key of Object.keys(annotations ?? {})) ask(['annotations', key], () => labelKeyProblem(key));
  return findings;
}

/** Beneath one field: the rest of the paths that go through it. */
function beneath(field: string, paths: readonly FieldPath[]): FieldPath[] {
  return paths.filter(([first]) => first === field).map(([, ...rest]) => rest);
}

function ruleFindings(kind: Kind, object: unknown, found: readonly Finding[]): Finding[] {
  if (!isRecord(object)) return [];
  // An unknown field says nothing about its neighbours, but for the one that was meant; every other finding makes
  // what it speaks of unfit for the rules.
  const faults = found.filter(({ reason }) => reason !== 'FieldValueForbidden').map(({ path }) => path);
  const metadata = beneath('metadata', faults);
  const findings = metadata.some((path) => path.length === 0)
    ? []
    : metadataFindings(kind, object.metadata as ObjectMeta, metadata);
  const spec = beneath('spec', faults);
  if (spec.some((path) => path.length === 0)) return findings;
  if (kind === 'Environment')
    return [...findings, ...environmentFindings(object.spec as EnvironmentSpec, spec)];
  if (kind === 'Node') return [...findings, ...nodeFindings(object.spec as NodeSpec | undefined, spec)];
  if (kind !== 'Task') return findings;
  const meant = found.flatMap(({ path, meant: field }) =>
    path[0] === 'spec' && path.length === 2 && field !== undefined ? [[field]] : [],
  );
  return [...findings, ...taskFindings(object.spec as TaskSpec, [...spec, ...meant])];
}

export interface ValidateOptions {
  /** Only status, and unknown fields in it are fine: a newer runner may report more than this host knows. */
  subresource?: 'status';
}

/** Nobody reads more, and an answer must not be larger than its question. */
const causeLimit = 100;

/**
 * What is wrong with an object of this kind, at most 100 causes; none for a good one. Without a subresource `status`
 * is not looked at. Defaults come first: what depends on a default is not checked where it is missing.
 */
export function validateObject(kind: Kind, object: unknown, options: ValidateOptions = {}): ErrorCause[] {
  return findingsOf(kind, object, options).slice(0, causeLimit).map(toCause);
}

function findingsOf(kind: Kind, object: unknown, options: ValidateOptions): Finding[] {
  if (options.subresource === 'status') {
    const found = schemaFindings(kind, object);
    return found.filter(({ path, reason }) => path[0] === 'status' && reason !== 'FieldValueForbidden');
  }
  const found = schemaFindings(kind, withoutStatus(object));
  return [...found, ...ruleFindings(kind, object, found)];
}

function withoutStatus(object: unknown): unknown {
  if (!isRecord(object)) return object;
  const { status: _status, ...rest } = object;
  return rest;
}

/** As `validateObject`, for what a person wrote: the kind is in the object, and must be one that people may write. */
export function validateManifest(object: unknown): ErrorCause[] {
  const refuse = (field: string, message: string, reason: FindingReason) => [{ field, message, reason }];
  if (!isRecord(object))
    return refuse(
      '',
      `must be an object with apiVersion, kind and metadata; found ${describeFound(object)}`,
      'FieldValueTypeInvalid',
    );
  const writable = Object.values(resources)
    .filter(({ userWritable }) => userWritable)
    .map(({ kind }) => kind as string);
  const { kind } = object;
  if (kind === undefined)
    return refuse('kind', `is required: ${writable.join(' or ')}`, 'FieldValueRequired');
  if (typeof kind === 'string' && Object.hasOwn(resources, kind) && !writable.includes(kind)) {
    return refuse('kind', `a ${kind} is made by river, never by a manifest`, 'FieldValueForbidden');
  }
  if (typeof kind !== 'string' || !writable.includes(kind)) {
    const hint = typeof kind === 'string' ? suggestion(kind, writable) : '';
    return refuse(
      'kind',
      `must be ${writable.join(' or ')}; found ${describeFound(kind)}${hint}`,
      'FieldValueNotSupported',
    );
  }
  return validateObject(kind as Kind, object);
}

/** Raises `Invalid` with the causes, as the API answers it; nothing when there are none. */
export function refuseInvalid(kind: Kind, name: string, causes: ErrorCause[]): void {
  if (causes.length === 0) return;
  const list = causes.map(({ field, message }) => (field ? `${field}: ${message}` : message)).join('; ');
  throw new RiverError('Invalid', `${kind} "${name}" is invalid: ${list}`, { kind, name, causes });
}
