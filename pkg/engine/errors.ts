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

/** Transient when the engine could not be reached or failed inside; the engine's words otherwise. `engine`: which one, for people. */
export function toRiverError(error: unknown, socketPath: string, engine = 'The Docker Engine'): RiverError {
  if (error instanceof RiverError) return error;
  const status = engineStatus(error);
  if (status === undefined) {
    const message = `${engine} at ${socketPath} does not answer (${whyOf(error)}): is dockerd running, and may this user reach it?`;
    return new RiverError('ServiceUnavailable', message, {}, { cause: error });
  }
  const code = status >= 500 ? 'ServiceUnavailable' : 'BadRequest';
  return new RiverError(code, `${engine} refused: ${engineMessage(error)}`, {}, { cause: error });
}

/** A request that was given up ends as if the engine had hung up. */
function whyOf(error: unknown): string {
  const isCut = error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
  return isCut ? 'the connection was cut, or there was no answer in time' : errorMessage(error);
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
