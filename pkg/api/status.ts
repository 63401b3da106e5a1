import { type ErrorCause, type ErrorCode, errorCatalogue, RiverError } from '../base/index.ts';
import { apiGroup } from './objects.ts';

/** An error on the wire, as Kubernetes writes it. */
export interface StatusObject {
  apiVersion: 'v1';
  kind: 'Status';
  metadata: object;
  status: 'Failure';
  message: string;
  reason: string;
  code: number;
  details?: {
    name?: string;
    group?: string;
    kind?: string;
    causes?: ErrorCause[];
    retryAfterSeconds?: number;
  };
}

/** What was not raised on purpose is told to nobody outside: it may hold paths or values. The caller logs it. */
const unexpected = new RiverError('InternalError', 'the host failed inside; its log says more');

export function toStatus(thrown: unknown): StatusObject {
  const error = thrown instanceof RiverError ? thrown : unexpected;
  const { details } = error;
  const named = details.kind ? { group: apiGroup, ...details } : details;
  return {
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.code,
    ...(Object.keys(named).length === 0 ? {} : { details: named }),
    code: error.status,
  };
}

function codeFor(reason: unknown, httpStatus: number): ErrorCode {
  if (typeof reason === 'string' && Object.hasOwn(errorCatalogue, reason)) return reason as ErrorCode;
  const codes = Object.keys(errorCatalogue) as ErrorCode[];
  // Conflict and AlreadyExists share 409; without a reason it is the one after which a caller reads again.
  if (httpStatus === 409) return 'Conflict';
  return codes.find((code) => errorCatalogue[code].status === httpStatus) ?? 'InternalError';
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

function readCauses(causes: unknown): ErrorCause[] | undefined {
  if (!Array.isArray(causes)) return undefined;
  return causes.filter(isRecord).map(({ field, message, reason }) => ({
    message: String(message ?? ''),
    ...(typeof field === 'string' ? { field } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
  }));
}

/** The error of an answer that was not 2xx. Anything may stand in its body (a proxy's page): `httpStatus` then decides. */
export function fromStatus(body: unknown, httpStatus: number): RiverError {
  const status = isRecord(body) && body.kind === 'Status' ? body : {};
  const details = isRecord(status.details) ? status.details : {};
  const causes = readCauses(details.causes);
  const message =
    typeof status.message === 'string'
      ? status.message
      : `what is there is not River: it answered with HTTP ${httpStatus}; check the address`;
  return new RiverError(codeFor(status.reason, httpStatus), message, {
    ...(typeof details.kind === 'string' ? { kind: details.kind } : {}),
    ...(typeof details.name === 'string' ? { name: details.name } : {}),
    ...(typeof details.retryAfterSeconds === 'number'
      ? { retryAfterSeconds: details.retryAfterSeconds }
      : {}),
    ...(causes ? { causes } : {}),
  });
}
