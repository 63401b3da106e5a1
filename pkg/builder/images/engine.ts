import type Docker from 'dockerode';
import { EngineFailure, unless } from '../../engine/index.ts';

/** ID (sha256:…) of an image that the engine has; undefined when it has not. */
export function findImage(engine: Docker, reference: string): Promise<Docker.ImageInspectInfo | undefined> {
  return unless([404], engine.getImage(reference).inspect());
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
