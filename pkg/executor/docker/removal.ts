import type Docker from 'dockerode';
import { RiverError } from '../../base/index.ts';
import { engineMessage, engineStatus, unless } from '../../engine/index.ts';
import type { Container } from './state.ts';

/** With its anonymous volumes; only what has ended. Idempotent. */
export async function removeContainer(engine: Docker, { id }: Container): Promise<void> {
  try {
    await unless([404], engine.getContainer(id).remove({ v: true }));
  } catch (error) {
    if (engineStatus(error) !== 409) throw error;
    const [code, message] = /already in progress/.test(engineMessage(error))
      ? (['ServiceUnavailable', 'The container is just being removed.'] as const)
      : (['Conflict', 'The container has not ended: stop it before it is removed.'] as const);
    throw new RiverError(code, message, {}, { cause: error });
  }
}
