/**
 * Every error that river raises on purpose has a code in this catalogue. `status` is the HTTP status the API
 * answers with, `reason` the Kubernetes Status reason on the wire, `transient` says whether the same call may
 * succeed later (callers retry with back-off) or never will (callers report).
 */
export const errorCatalogue = {
  BadRequest: { status: 400, transient: false },
  Unauthorized: { status: 401, transient: false },
  Forbidden: { status: 403, transient: false },
  NotFound: { status: 404, transient: false },
  MethodNotAllowed: { status: 405, transient: false },
  NotAcceptable: { status: 406, transient: false },
  AlreadyExists: { status: 409, transient: false },
  /** The object changed since it was read: read it again and decide again. */
  Conflict: { status: 409, transient: false },
  /** The version asked for has been compacted away: list again. */
  Expired: { status: 410, transient: false },
  RequestEntityTooLarge: { status: 413, transient: false },
  UnsupportedMediaType: { status: 415, transient: false },
  Invalid: { status: 422, transient: false },
  TooManyRequests: { status: 429, transient: true },
  InternalError: { status: 500, transient: false },
  /** Full disk, closing store, unreachable host or engine. */
  ServiceUnavailable: { status: 503, transient: true },
  Timeout: { status: 504, transient: true },
} as const;

export type ErrorCode = keyof typeof errorCatalogue;

/** One reason for a refusal. `field` is a path as in `spec.targets[0]`; `reason` as in Kubernetes (FieldValueInvalid, FieldManagerConflict, …). */
export interface ErrorCause {
  field?: string;
  message: string;
  reason?: string;
}

export interface ErrorDetails {
  kind?: string;
  name?: string;
  causes?: ErrorCause[];
  retryAfterSeconds?: number;
}

export class RiverError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'RiverError';
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return errorCatalogue[this.code].status;
  }

  get transient(): boolean {
    return errorCatalogue[this.code].transient;
  }
}

export function hasCode(error: unknown, ...codes: ErrorCode[]): error is RiverError {
  return error instanceof RiverError && codes.includes(error.code);
}

/** The message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
