import { type Clock, RiverError, sleep } from '../../base/index.ts';
import { readStat, signalAll } from './proc-table.ts';

/** A process in the middle of reading a disk halts when that is over. */
const patienceMs = 10_000;
const lookMs = 2;

/** Looks until it is so. Raises `ServiceUnavailable` when something goes on for too long. */
export async function untilHalted(clock: Clock, isSo: () => Promise<boolean>): Promise<void> {
  const giveUpAt = clock.monotonic() + patienceMs;
  while (!(await isSo())) {
    if (clock.monotonic() > giveUpAt)
      throw new RiverError('ServiceUnavailable', 'Some process of the run does not halt; it is tried again.');
    await sleep(clock, lookMs);
  }
}

async function isStopped(pid: number): Promise<boolean> {
  const stat = await readStat(pid);
  return stat === undefined || 'tTZX'.includes(stat.state);
}

async function executing(pids: readonly number[]): Promise<number[]> {
  const stopped = await Promise.all(pids.map(isStopped));
  return pids.filter((_, index) => !stopped[index]);
}

type Members = () => Promise<number[]>;

/**
 * A shell that waits for its child to execute (vfork) cannot halt, and the child was halted before it could: let go for a
 * moment and tried again, both come to their end.
 */
const looksBeforeGo = 25;

/** SIGSTOP to every process, those included that are made meanwhile, until none executes. */
export async function haltBySignals(clock: Clock, members: Members): Promise<void> {
  let looks = 0;
  await untilHalted(clock, async () => {
    const left = await executing(await members());
    looks += 1;
    if (left.length > 0 && looks % looksBeforeGo === 0) await resumeBySignals(members);
    else signalAll(left, 'SIGSTOP');
    return left.length === 0;
  });
}

export async function resumeBySignals(members: Members): Promise<void> {
  signalAll(await members(), 'SIGCONT');
}

export async function isHaltedBySignals(members: Members): Promise<boolean> {
  return (await executing(await members())).length === 0;
}
