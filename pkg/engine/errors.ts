import { errorMessage, RiverError } from '../base/index.ts';

/** The HTTP status that the engine answered with; undefined when it was not reached. */
export function engineStatus(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return undefined;
  return typeof error.statusCode === 'number' ? error.statusCode : undefined;
}

/** What the engine itself said, without the client's words around it. */
export function engineMessage(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'json' in error) {
    const { json } = error;
    if (typeof json === 'object' && json !== null && 'message' in json) return String(json.message).trim();
  }
  return errorMessage(error)
    .replace(/^\(HTTP code \d+\) [^-]*- /, '')
    .trim();
}

/** What the engine says of a failure in an answer that has begun well. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';
}

/** The engine was reached, and says that it cannot or will not. */
export function isRefusal(error: unknown): boolean {
  return error instanceof EngineFailure || engineStatus(error) !== undefined;
}

/** A request that was given up ends as if the engine had hung up. */
const cutOff = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE']);

/** The engine was not reached, has hung up or hangs; not a file of this machine, nor a mistake in this program. */
export function isUnanswered(error: unknown): boolean {
  const { code = '', syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return syscall === 'connect' || cutOff.has(code) || code.startsWith('HPE_');
}

/** Of what an engine says: it may succeed at another time. */
export function isForLackOfRoom(message: string): boolean {
  return /no space left|cannot allocate/i.test(message);
}

/** As people call it who reach it by the host only. */
export const hostEngine = 'the Docker Engine of the host';

/**
 * The one rule for what a call of an engine raises. Transient when the engine was not reached, failed inside, or has no
 * room; its own words when it refuses for good. What has nothing to do with the engine, as a mistake in this program or a file
 * that cannot be read, stays what it is. `engine`: which one, for people.
 */
export function engineError(error: unknown, socketPath: string, engine = 'The Docker Engine'): unknown {
  if (isRefusal(error)) return refusal(error, engine);
  if (!isUnanswered(error)) return error;
  const message = `${engine} at ${socketPath} does not answer (${whyOf(error)}): is dockerd running, and may the user of this program reach it?`;
  return new RiverError('ServiceUnavailable', message, {}, { cause: error });
}

function refusal(error: unknown, engine: string): RiverError {
  const words = engineMessage(error);
  const isTransient = (engineStatus(error) ?? 400) >= 500 || isForLackOfRoom(words);
  const code = isTransient ? 'ServiceUnavailable' : 'BadRequest';
  return new RiverError(code, `${engine} refused: ${words}`, {}, { cause: error });
}

function whyOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ECONNRESET'
    ? 'the connection was cut, or there was no answer in time'
    : errorMessage(error);
}

/** The answer of a call, or undefined when the engine answers with one of these statuses. */
export async function unless<T>(statuses: number[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statuses.includes(engineStatus(error) ?? 0)) return undefined;
    throw error;
  }
}
