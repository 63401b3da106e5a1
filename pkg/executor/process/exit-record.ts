import { constants } from 'node:os';
import { cgroupFigures, type Ending, parseStartError, signalName } from '../records/index.ts';

/** SIGINT and SIGPIPE: a shell reports these ends without a sentence. */
const silentSignals = [constants.signals.SIGINT, constants.signals.SIGPIPE];

/** Seconds of user and system time in a line of `times`, as in `0m1.25s 0m0.50s`. */
function timesSeconds(line: string): number | undefined {
  const spans = [...line.matchAll(/(\d+)m(\d+(?:\.\d+)?)s/g)];
  if (spans.length !== 2) return undefined;
  return spans.reduce((sum, span) => sum + Number(span[1]) * 60 + Number(span[2]), 0);
}

function startErrorOf(status: number): Ending['startError'] {
  if (status === 127) {
    return {
      reason: 'CommandNotFound',
      message: 'The program, or the interpreter in its #! line, does not exist.',
    };
  }
  if (status === 125) {
    return {
      reason: 'StartFailed',
      message: 'The process could not enter its cgroup, so its limits could not be applied.',
    };
  }
  return {
    reason: 'StartFailed',
    message: 'The program could not be executed: it is not an executable file.',
  };
}

/** Undefined when the record is not whole. Raises nothing: a disk may hold anything. */
export function parseExitRecord(text: string): Ending | undefined {
  const lines = text.split('\n');
  const startError = parseStartError(text);
  if (startError) return { startError };
  const status = Number(/^status (\d+)$/.exec(lines[0] ?? '')?.[1]);
  if (Number.isNaN(status) || !lines.includes('end')) return undefined;
  const head = lines.slice(1, lines.indexOf('times'));
  if (head.includes('failed')) return { startError: startErrorOf(status) };
  const { oomKills, ...figures } = cgroupFigures(
    lines.slice(lines.indexOf('times') + 3, lines.lastIndexOf('end')),
  );
  const cpuSeconds = figures.cpuSeconds ?? timesSeconds(lines[lines.indexOf('times') + 2] ?? '');
  const bySignal = status > 128 && (head.includes('diag') || silentSignals.includes(status - 128));
  const killed = bySignal ? signalName(status - 128) : undefined;
  return {
    ...(bySignal ? { signal: killed } : { exitCode: status }),
    ...(oomKills > 0 && (killed === 'SIGKILL' || status === 137) ? { oomKilled: true } : {}),
    usage: { ...figures, ...(cpuSeconds === undefined ? {} : { cpuSeconds }) },
  };
}
