import type { FastifyRequest } from 'fastify';
import { RiverError } from '../../base/index.ts';
import type { ApplyOptions, ListOptions, WatchOptions, WriteOptions } from '../../client/index.ts';

/** Parameters of the URL. Given twice, the last counts. */
export function queryOf(request: FastifyRequest): Record<string, string | undefined> {
  const query = (request.query ?? {}) as Record<string, string | string[]>;
  return Object.fromEntries(
    Object.entries(query).map(([key, value]) => [key, Array.isArray(value) ? value.at(-1) : value]),
  );
}

/** A list shows the newest state: that is never older than the `resourceVersion` that a client may name. */
export function listOptionsOf(request: FastifyRequest, namespace: string | undefined): ListOptions {
  const { labelSelector, fieldSelector, limit, continue: from } = queryOf(request);
  return { namespace, labelSelector, fieldSelector, continue: from, limit: numberOf('limit', limit) };
}

/** A watch has no pages: `limit` and `continue`, which some clients send along, must not cut its initial state short. */
export function watchOptionsOf(request: FastifyRequest, namespace: string | undefined): WatchOptions {
  const { labelSelector, fieldSelector, resourceVersion } = queryOf(request);
  return { namespace, labelSelector, fieldSelector, resourceVersion };
}

export function writeOptionsOf(request: FastifyRequest): WriteOptions {
  const { dryRun, fieldManager } = queryOf(request);
  if (dryRun !== undefined && dryRun !== '' && dryRun !== 'All')
    throw new RiverError('BadRequest', 'dryRun must be All or left out');
  if (fieldManager !== undefined && !/^[\x20-\x7e]{0,128}$/.test(fieldManager)) {
    throw new RiverError('BadRequest', 'fieldManager must be at most 128 printable characters');
  }
  return { dryRun: dryRun === 'All', fieldManager: fieldManager || programOf(request) };
}

export function applyOptionsOf(request: FastifyRequest): ApplyOptions {
  const { fieldManager, force } = queryOf(request);
  return { ...writeOptionsOf(request), fieldManager: fieldManager ?? '', force: flagOf(force) };
}

/** `kubectl/v1.33.0 (linux/amd64)` → `kubectl`: the owner of fields when none is named, as in Kubernetes. */
function programOf(request: FastifyRequest): string | undefined {
  return request.headers['user-agent']?.split('/')[0]?.slice(0, 128) || undefined;
}

export function numberOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new RiverError(
    'BadRequest',
    `${name} must be a whole number, not ${JSON.stringify(text.slice(0, 40))}`,
  );
}

export function flagOf(text: string | undefined): boolean {
  return text === 'true' || text === '1';
}
