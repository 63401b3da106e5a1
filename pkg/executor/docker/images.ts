import type Docker from 'dockerode';
import { type Clock, errorMessage, RiverError } from '../../base/index.ts';
import { engineMessage, engineStatus, unless } from '../../engine/index.ts';

/** So long an image that was seen is taken to be there: a start that finds it gone says so and asks again. */
const rememberMs = 30_000;

/** Which images the engine has; pulls those that it lacks, each once however many runs wait for it. */
export class Images {
  readonly #engine: Docker;
  /** For pulls: silent for long. */
  readonly #patient: Docker;
  readonly #clock: Clock;
  readonly #seenAt = new Map<string, number>();
  readonly #pulls = new Map<string, Promise<void>>();

  constructor(engine: Docker, clock: Clock, patient = engine) {
    this.#engine = engine;
    this.#patient = patient;
    this.#clock = clock;
  }

  forget(image: string): void {
    this.#seenAt.delete(image);
  }

  /**
   * Raises NotFound with reason ImageNotFound when neither the engine nor the registry has it, and ServiceUnavailable
   * with reason ImagePullFailed when the registry could not be asked. An empty name is Invalid: the engine would take it
   * for its list of images.
   */
  async ensure(image: string, signal: AbortSignal): Promise<void> {
    if (image === '')
      throw new RiverError(
        'Invalid',
        'The run names no image: set spec.image or spec.environment of its task.',
      );
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
      const stream = await this.#patient.pull(reference);
      await untilPulled(this.#patient, stream);
    } catch (error) {
      throw isFinalRefusal(error)
        ? imageNotFound(image, engineMessage(error), error)
        : pullFailed(image, error);
    }
  }
}

/** An engine that has begun to answer well says in the stream, and nowhere else, what fails from then on. */
function untilPulled(engine: Docker, stream: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    const done = (error: Error | null) => {
      const cause = error ?? failure;
      if (cause) reject(cause);
      else resolve();
    };
    engine.modem.followProgress(stream, done, (line: { error?: string }) => {
      if (line.error !== undefined) failure = new Error(line.error);
    });
  });
}

/** What registries and engines say of an image that will not be there at the next try either. */
const refusals =
  /not found|manifest unknown|name unknown|does not exist|no matching manifest|denied|unauthorized|authentication required|no basic auth|invalid reference|unsupported/i;

/**
 * The engine gives a status of its own to what the registry refused. With 500 and in the middle of a pull only its
 * words tell a refusal from a network, a registry or a disk that fails at the moment.
 */
function isFinalRefusal(error: unknown): boolean {
  const status = engineStatus(error);
  if (status !== undefined && status !== 429 && status < 500) return true;
  // A host name that is not found is no image that is not found.
  return refusals.test(engineMessage(error)) && !/\bdial |lookup |i\/o timeout/.test(engineMessage(error));
}

function pullFailed(image: string, cause: unknown): RiverError {
  const message = `The node has no image ${image} and cannot pull it at the moment: ${engineMessage(cause)}.`;
  return new RiverError(
    'ServiceUnavailable',
    message,
    { causes: [{ field: 'spec.image', reason: 'ImagePullFailed', message: engineMessage(cause) }] },
    { cause },
  );
}

function imageNotFound(image: string, why: string, cause?: unknown): RiverError {
  const message = `The node has no image ${image}, and pulling it from its registry failed: ${why}. Load or tag it there, or correct spec.image.`;
  return new RiverError(
    'NotFound',
    message,
    { causes: [{ field: 'spec.image', reason: 'ImageNotFound', message: errorMessage(cause ?? why) }] },
    { cause },
  );
}

/** It was there when the run was prepared: whether it can be had again is for the next preparation to find out. */
export function imageGone(image: string, cause: unknown): RiverError {
  const message = `The image ${image} was removed from the node before the run could be started: it is looked for again.`;
  const causes = [{ field: 'spec.image', reason: 'ImageGone', message: engineMessage(cause) }];
  return new RiverError('ServiceUnavailable', message, { causes }, { cause });
}
