import type { Execution } from '../index.ts';
import { signalName } from '../records/index.ts';

/** A loaded service, as the manager shows it. */
export interface Unit {
  /** Something of it is there or about to be: the program, what it left in the background, or the writer of its record. */
  live: boolean;
  failed: boolean;
  /** The writer of the record is at work: a signal to all of the service would hit it. */
  recording: boolean;
  description: string;
  /** How its program ended, when that was executed and has ended. */
  end?: Pick<Execution, 'exitCode' | 'signal' | 'oomKilled' | 'finishedAt' | 'usage'>;
}

export const shownProperties =
  'Id,LoadState,ActiveState,SubState,Job,Description,Result,ExecMainCode,ExecMainStatus,ExecMainExitTimestamp,CPUUsageNSec';

/** The answer of `systemctl show`: blocks of NAME=VALUE with an empty line between them. By name. */
export function parseUnits(text: string): Map<string, Unit> {
  const units = new Map<string, Unit>();
  for (const block of text.split('\n\n')) {
    const shown = new Map<string, string>();
    for (const line of block.split('\n')) {
      const at = line.indexOf('=');
      if (at > 0) shown.set(line.slice(0, at), line.slice(at + 1));
    }
    const name = shown.get('Id');
    if (name !== undefined && shown.get('LoadState') === 'loaded') units.set(name, parseUnit(shown));
  }
  return units;
}

function parseUnit(shown: ReadonlyMap<string, string>): Unit {
  const active = shown.get('ActiveState') ?? '';
  const end = parseEnd(shown);
  return {
    // A start that was taken but not begun shows as inactive with a job.
    live: !['inactive', 'failed'].includes(active) || Number(shown.get('Job') ?? 0) > 0,
    failed: active === 'failed',
    recording: shown.get('SubState') === 'stop-post',
    description: shown.get('Description') ?? '',
    ...(end ? { end } : {}),
  };
}

/** ExecMainCode is as in waitid(2): 1 exited, 2 killed by a signal, 3 the same with a core dump. */
function parseEnd(shown: ReadonlyMap<string, string>): Unit['end'] {
  const code = Number(shown.get('ExecMainCode'));
  const status = Number(shown.get('ExecMainStatus'));
  if (![1, 2, 3].includes(code)) return undefined;
  const nanoseconds = shown.get('CPUUsageNSec') ?? '';
  const finishedAt = Date.parse((shown.get('ExecMainExitTimestamp') ?? '').replace(/^\w+ /, ''));
  return {
    ...(code === 1 ? { exitCode: status } : { signal: signalName(status) }),
    ...(shown.get('Result') === 'oom-kill' ? { oomKilled: true } : {}),
    ...(Number.isNaN(finishedAt) ? {} : { finishedAt }),
    ...(/^\d+$/.test(nanoseconds) ? { usage: { cpuSeconds: Number(nanoseconds) / 1e9 } } : {}),
  };
}
