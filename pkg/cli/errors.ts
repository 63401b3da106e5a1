import { errorMessage, hasCode, RiverError } from '../base/index.ts';
import { exitCodes } from './exit-codes.ts';

/** Wrong flags or input: exit code 2. The message is shown as it is, and may have several lines. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A failure whose exit code is its own, as a timeout's. */
export class ExitError extends Error {
  override readonly name: string = 'ExitError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The host has refused some of the objects; the message has one line for each reason, with file, line and column. */
export class Refusal extends ExitError {}

/** The person pressed Ctrl-C: nothing to say. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return exitCodes.invalid;
  if (error instanceof ExitError) return error.exitCode;
  if (error instanceof Interrupted) return exitCodes.interrupted;
  if (hasCode(error, 'Invalid')) return exitCodes.invalid;
  if (hasCode(error, 'Unauthorized', 'Timeout')) return exitCodes.unreachable;
  // What the host itself has said (its disk is full) has no cause here; a connection that failed has.
  if (hasCode(error, 'ServiceUnavailable') && error.cause !== undefined) return exitCodes.unreachable;
  return exitCodes.failed;
}

/** What is written to standard error: a sentence, then one line for each cause. Empty: nothing to say. */
export function describeError(error: unknown): string {
  if (error instanceof Interrupted) return '';
  if (error instanceof UsageError) return error.message;
  if (error instanceof Refusal) return `${error.message}\nriver: nothing was changed`;
  // A ManifestError, told by its name: its lines are complete, and loading pkg/api for every command is not worth it.
  if (error instanceof RiverError && error.name === 'ManifestError')
    return `${error.message}\nriver: nothing was sent`;
  const causes = error instanceof RiverError ? (error.details.causes ?? []) : [];
  const message = errorMessage(error);
  const lines = causes
    .filter((cause) => !message.includes(cause.message))
    .map((cause) => `  ${cause.field ? `${cause.field}: ` : ''}${cause.message}`);
  return [`river: ${message}`, ...lines].join('\n');
}
