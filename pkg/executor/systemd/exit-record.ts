import { cgroupFigures, type Ending, parseStartError } from '../records/index.ts';

/** Undefined when the record is not whole. Raises nothing: a disk may hold anything. */
export function parseExitRecord(text: string): Ending | undefined {
  const startError = parseStartError(text);
  if (startError) return { startError };
  const lines = text.split('\n');
  const [, how, status = ''] = /^ended (exited|killed|dumped) (\S+)$/.exec(lines[0] ?? '') ?? [];
  if (how === undefined || lines.at(-2) !== 'end') return undefined;
  const files = lines.findIndex((line) => line.startsWith('file '));
  const head = lines.slice(1, files < 0 ? -2 : files);
  if (head.includes('failed')) return { startError: startErrorOf(status) };
  const { oomKills, ...usage } = cgroupFigures(lines.slice(1 + head.length, -2));
  if (head.includes('stopping')) {
    const note = `Its program ended while the machine shut down (${how} ${status}).`;
    return { unknownEnd: 'NodeRestarted', usage, note };
  }
  const signal = how === 'exited' ? undefined : `SIG${status}`;
  return {
    ...(signal === undefined ? { exitCode: Number(status) } : { signal }),
    ...(oomKills > 0 && (signal === 'SIGKILL' || status === '137') ? { oomKilled: true } : {}),
    usage,
  };
}

/** Of a program that `exec` refused. */
function startErrorOf(status: string): Ending['startError'] {
  return status === '127'
    ? {
        reason: 'CommandNotFound',
        message: 'The program, or the interpreter in its #! line, does not exist.',
      }
    : {
        reason: 'StartFailed',
        message:
          'The program could not be executed: it is not an executable file, or its arguments are too long.',
      };
}
