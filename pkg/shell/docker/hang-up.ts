import type Docker from 'dockerode';
import { type Clock, RiverError, sleep } from '../../base/index.ts';
import { type Member, sessionMembers } from './session-members.ts';

export interface HangUpParts {
  container: Docker.Container;
  exec: Docker.Exec;
  clock: Clock;
}

/** From the signal to the one that nothing survives. */
const graceMs = 3_000;
const lookMs = 20;
const looksAtMost = 500;

/**
 * Ends what an exec has begun. The engine leaves it running when its client goes, terminal or not, and has no call that
 * ends it: so its session gets what the kernel sends when a terminal is taken away, and after a grace SIGKILL. What ignores
 * SIGHUP on purpose goes on, as after ssh; the program itself does not. Raises when it cannot be ended.
 */
export async function hangUp(parts: HangUpParts): Promise<void> {
  const { clock } = parts;
  const begun = await untilBegun(parts);
  if (begun === undefined) return;
  const { pid, containerId } = begun;
  const left = async () =>
    (await sessionMembers(pid, containerId)).filter((each) => !each.ignoresHangUp || each.pid === pid);
  await signal(parts, await left(), 'SIGHUP');
  const deadline = clock.monotonic() + graceMs;
  while (clock.monotonic() < deadline) {
    if ((await left()).length === 0) return checkEnded(parts);
    await sleep(clock, lookMs);
  }
  await signal(parts, await left(), 'SIGKILL');
  await checkEnded(parts);
}

/** Undefined when it has ended. An exec is running before its process is there. */
async function untilBegun({ exec, clock }: HangUpParts) {
  for (let look = 0; look < looksAtMost; look++) {
    const { Running, Pid, ContainerID } = await exec.inspect();
    if (!Running) return undefined;
    if (Pid > 0) return { pid: Pid, containerId: ContainerID };
    await sleep(clock, lookMs);
  }
  throw new RiverError('Timeout', 'the engine did not begin it');
}

async function checkEnded({ exec, clock }: HangUpParts): Promise<void> {
  for (let look = 0; look < looksAtMost; look++) {
    if (!(await exec.inspect()).Running) return;
    await sleep(clock, lookMs);
  }
  throw new RiverError('Timeout', 'it does not end: is its process one of this machine?');
}

/** By the kernel; by a process in the container where this user may not. */
async function signal(
  { container }: HangUpParts,
  members: readonly Member[],
  name: 'SIGHUP' | 'SIGKILL',
): Promise<void> {
  const refused = members.filter(({ pid }) => !kill(pid, name));
  if (refused.length === 0) return;
  const words = ['/bin/sh', '-c', 'kill "$@"', 'sh', `-${name.slice(3)}`];
  const exec = await container.exec({
    Cmd: [...words, ...refused.map(({ innerPid }) => String(innerPid))],
    User: '0',
  });
  await exec.start({ Detach: true });
}

/** False when this user may not. */
function kill(pid: number, name: 'SIGHUP' | 'SIGKILL'): boolean {
  try {
    process.kill(pid, name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM';
  }
  return true;
}
