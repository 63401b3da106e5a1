import { execFile } from 'node:child_process';

export interface CommandAnswer {
  stdout: string;
  stderr: string;
  /** `missing`: there is no such program, or none that this user may run. `timeout`: it was killed because it took too long. */
  end: 'ok' | 'failed' | 'missing' | 'timeout';
}

/** Runs a program of the machine, so that tests can show what programs of other machines say. Never throws. */
export type CommandRunner = (program: string, args: readonly string[]) => Promise<CommandAnswer>;

/** `path`: where programs are looked up. After `deadlineMs` one is killed. */
export function commandRunner(path: string, deadlineMs: number): CommandRunner {
  const options = {
    env: { PATH: path, LC_ALL: 'C' },
    timeout: deadlineMs,
    killSignal: 'SIGKILL' as const,
    maxBuffer: 1 << 25,
  };
  return (program, args) =>
    new Promise((resolve) => {
      execFile(program, [...args], options, (error, stdout, stderr) => {
        resolve({ stdout, stderr, end: endOf(error) });
      });
    });
}

function endOf(error: (Error & { code?: unknown; killed?: boolean }) | null): CommandAnswer['end'] {
  if (error === null) return 'ok';
  // EACCES also where a folder of PATH may not be entered, whatever is in it: execvp(3).
  if (error.code === 'ENOENT' || error.code === 'EACCES') return 'missing';
  return error.killed ? 'timeout' : 'failed';
}
