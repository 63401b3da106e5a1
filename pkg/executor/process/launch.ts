import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import type { ExecutionSpec } from '../index.ts';

const answers = ['started', 'refused', 'full'] as const;
type Answer = (typeof answers)[number];

/**
 * Spawns the wrapper as leader of its own session, output straight to the files. `started`: it won the claim and
 * executes; `refused`: somebody else had it; `full`: the disk has no room for its claim, which is free again; an error: it could not be spawned or ended before it said anything.
 */
export async function launch(
  spec: ExecutionSpec,
  args: string[],
  options: { env: Record<string, string>; cwd: string },
): Promise<Answer | Error> {
  const out = await open(spec.outPath, 'a', 0o644);
  const err = await open(spec.errPath, 'a', 0o644).catch(async (error: unknown) => {
    await out.close();
    throw error;
  });
  try {
    return await new Promise((resolve) => {
      const child = spawn('/bin/sh', args, {
        ...options,
        detached: true,
        stdio: ['ignore', out.fd, err.fd, 'pipe'],
      });
      const pipe = child.stdio[3];
      const answer = (value: Answer | Error) => {
        pipe?.destroy();
        resolve(value);
      };
      pipe?.once('data', (data: Buffer) =>
        answer(answers.find((word) => data.toString().startsWith(word)) ?? 'refused'),
      );
      pipe?.once('end', () => answer(new Error('the wrapper ended before it said anything')));
      pipe?.once('error', answer);
      child.once('error', answer);
      child.unref();
    });
  } catch (error) {
    return tooLong(error);
  } finally {
    await Promise.all([out.close(), err.close()]);
  }
}

/** What the kernel refuses once for its length it refuses for ever; anything else may work later. */
function tooLong(error: unknown): Error {
  if ((error as NodeJS.ErrnoException).code !== 'E2BIG') throw error;
  return new Error(
    'its arguments and environment are longer than Linux allows (128 KiB for one, about 2 MiB together); ' +
      'put long texts into a file or the script',
  );
}
