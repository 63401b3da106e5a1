import { errorMessage, RiverError } from '../../base/index.ts';

/** What an executor opens at its first use, and again after that has failed. */
export class Opening<T> {
  readonly #open: () => Promise<T>;
  #opened: Promise<T> | undefined;

  constructor(executor: string, stateDir: string, open: () => Promise<T>) {
    this.#open = () =>
      open().catch((error: unknown) => {
        this.#opened = undefined;
        throw unusable(executor, stateDir, error);
      });
  }

  /** Raises `ServiceUnavailable` while its folder cannot be used. */
  get(): Promise<T> {
    this.#opened ??= this.#open();
    return this.#opened;
  }

  /** Undefined when nobody has needed it, or it could not be opened. */
  async ifOpened(): Promise<T | undefined> {
    return this.#opened?.catch(() => undefined);
  }
}

export function unusable(executor: string, stateDir: string, cause: unknown): RiverError {
  const message = `The ${executor} executor cannot use ${stateDir}: ${errorMessage(cause)}`;
  return new RiverError('ServiceUnavailable', message, {}, { cause });
}
