import { open } from 'node:fs/promises';
import type { Execution } from '../index.ts';
import { scriptTarget } from './create-options.ts';

/**
 * With an init in between, a program that is not there is an exit code 127 of the init, which says so in the last
 * line on stderr. Tells it from the same exit code of a program.
 */
export async function initStartError(
  execution: Execution,
  errPath: string,
): Promise<Execution['startError']> {
  if (execution.exitCode !== 126 && execution.exitCode !== 127) return undefined;
  const file = await open(errPath, 'r').catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({
      buffer: Buffer.alloc(1024),
      position: Math.max(0, size - 1024),
    });
    const line = buffer.subarray(0, bytesRead).toString().trimEnd().split('\n').at(-1) ?? '';
    const found = /^\[FATAL tini \(\d+\)\] exec (.*)/.exec(line)?.[1];
    if (found === undefined) return undefined;
    const reason = execution.exitCode === 127 ? 'CommandNotFound' : 'CommandNotExecutable';
    const what = found.startsWith(`${scriptTarget} `)
      ? 'The interpreter in the #! line of the script could not be executed in the container'
      : 'The program could not be executed in the container';
    return { reason, message: `${what}: ${found}.` };
  } finally {
    await file.close();
  }
}
