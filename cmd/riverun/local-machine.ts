import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Ending, LocalMachine } from '../../pkg/cli/index.ts';

/** Programs as children of this process, never through a shell. */
export function localMachine(): LocalMachine {
  return {
    cores: availableParallelism(),
    hasProgram: (name) => candidates(name).some(isProgram),
    run: ({ argv, env }, signal, capture) =>
      new Promise<Ending>((resolve) => {
        const child = spawn(argv[0] ?? '', argv.slice(1), {
          env: { ...process.env, ...env },
          stdio: capture ? ['ignore', 'pipe', 'pipe'] : 'inherit',
        });
        const end = () => child.kill('SIGTERM');
        signal.addEventListener('abort', end, { once: true });
        child.stdout?.on('data', (chunk: Buffer) => capture?.stdout(chunk));
        child.stderr?.on('data', (chunk: Buffer) => capture?.stderr(chunk));
        child.once('error', (error) => resolve({ problem: `could not be started: ${error.message}` }));
        child.once('close', (exitCode, name) => {
          signal.removeEventListener('abort', end);
          resolve(name === null ? { exitCode: exitCode ?? 1 } : { signal: name });
        });
      }),
  };
}

/** Where a shell would look. */
function candidates(name: string): string[] {
  if (name.includes('/')) return [name];
  return (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
