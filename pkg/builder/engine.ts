import { statfs } from 'node:fs/promises';
import type Docker from 'dockerode';
import { errorMessage, RiverError } from '../base/index.ts';
import { engineMessage, engineStatus, unless } from '../engine/index.ts';

/** What the engine says of a failure in an answer that has begun well. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';
}

/** The engine was reached, and says that it cannot or will not. */
export function isRefusal(error: unknown): boolean {
  return error instanceof EngineFailure || engineStatus(error) !== undefined;
}

const cutOff = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ERR_STREAM_PREMATURE_CLOSE']);

/** The engine was not reached, or has hung up; not a file of the host, nor a mistake in this program. */
function isUnanswered(error: unknown): boolean {
  const { code = '', syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return syscall === 'connect' || cutOff.has(code) || code.startsWith('HPE_');
}

/** Transient when the engine was not reached, failed inside, or has no room. What has nothing to do with it stays what it is. */
export function engineError(error: unknown, socketPath: string): unknown {
  if (isRefusal(error)) return refusal(error);
  if (!isUnanswered(error)) return error;
  const message = `the Docker Engine of the host at ${socketPath} does not answer (${errorMessage(error)}): is dockerd running, and may the host's user reach it?`;
  return new RiverError('ServiceUnavailable', message, {}, { cause: error });
}

function refusal(error: unknown): RiverError {
  const words = engineMessage(error);
  const isTransient = (engineStatus(error) ?? 400) >= 500 || isForLackOfRoom(words);
  const message = `the Docker Engine of the host refused: ${words}`;
  return new RiverError(isTransient ? 'ServiceUnavailable' : 'BadRequest', message, {}, { cause: error });
}

/** Of what an engine says: it may succeed at another time. */
export function isForLackOfRoom(message: string): boolean {
  return /no space left|cannot allocate/i.test(message);
}

/** ID (sha256:…) of an image that the engine has; undefined when it has not. */
export function findImage(engine: Docker, reference: string): Promise<Docker.ImageInspectInfo | undefined> {
  return unless([404], engine.getImage(reference).inspect());
}

/** On the disk of the engine; without end where the host cannot see that. */
export async function freeBytes(engine: Docker): Promise<number> {
  const { DockerRootDir } = (await engine.info()) as { DockerRootDir?: string };
  const found = await statfs(DockerRootDir ?? '').catch(() => undefined);
  return found ? found.bavail * found.bsize : Number.POSITIVE_INFINITY;
}

/** `name`: repository:tag. */
export async function nameImage(engine: Docker, id: string, name: string): Promise<void> {
  const [repo = '', tag = ''] = name.split(':');
  await engine.getImage(id).tag({ repo, tag });
}

/** Reads an answer that comes line by line to its end. Raises with what the engine says in it of a failure. */
export function finished(
  engine: Docker,
  stream: NodeJS.ReadableStream,
): Promise<{ status?: string; stream?: string }[]> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    engine.modem.followProgress(
      stream,
      (error: Error | null, lines: { status?: string; stream?: string }[]) => {
        const cause = error ?? failure;
        if (cause) reject(cause);
        else resolve(lines);
      },
      (line: { error?: string }) => {
        if (line.error !== undefined) failure = new EngineFailure(line.error);
      },
    );
  });
}
