import type Docker from 'dockerode';
import { type Clock, errorMessage, RiverError } from '../../base/index.ts';
import { engineMessage, unless } from './engine-errors.ts';

/** So long an image that was seen is taken to be there: a start that finds it gone says so and asks again. */
const rememberMs = 30_000;

/** Which images the engine has; pulls those that it lacks, each once however many runs wait for it. */
export class Images {
  readonly #engine: Docker;
  readonly #clock: Clock;
  readonly #seenAt = new Map<string, number>();
  readonly #pulls = new Map<string, Promise<void>>();

  constructor(engine: Docker, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  forget(image: string): void {
    this.#seenAt.delete(image);
  }

  /** Raises NotFound with reason ImageNotFound when neither the engine nor the registry has it. */
  async ensure(image: string, signal: AbortSignal): Promise<void> {
    const seenAt = this.#seenAt.get(image);
    if (seenAt !== undefined && this.#clock.monotonic() - seenAt < rememberMs) return;
    if ((await unless([404], this.#engine.getImage(image).inspect())) === undefined)
      await this.#pullOnce(image, signal);
    this.#seenAt.set(image, this.#clock.monotonic());
  }

  /** Giving up waits no longer; the engine goes on with the pull, which others may wait for. */
  async #pullOnce(image: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const pull = this.#pulls.get(image) ?? this.#pull(image).finally(() => this.#pulls.delete(image));
    this.#pulls.set(image, pull);
    await new Promise<void>((resolve, reject) => {
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      pull.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
    });
  }

  async #pull(image: string): Promise<void> {
    // Without a tag the engine would pull every one of them.
    const reference = /[:@][^/]*$/.test(image) ? image : `${image}:latest`;
    try {
      const stream = await this.#engine.pull(reference);
      await new Promise<void>((resolve, reject) => {
        this.#engine.modem.followProgress(stream, (error) => (error ? reject(error) : resolve()));
      });
    } catch (error) {
      throw imageNotFound(image, engineMessage(error), error);
    }
  }
}

export function imageNotFound(image: string, why: string, cause?: unknown): RiverError {
  const message = `The node has no image ${image}, and pulling it from its registry failed: ${why}. Load or tag it there, or correct spec.image.`;
  return new RiverError(
    'NotFound',
    message,
    { causes: [{ field: 'spec.image', reason: 'ImageNotFound', message: errorMessage(cause ?? why) }] },
    { cause },
  );
}
