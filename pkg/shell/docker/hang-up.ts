import type Docker from 'dockerode';
import { type Clock, RiverError, sleep } from '../../base/index.ts';
import { unless } from '../../engine/index.ts';
import { type Member, sessionMembers } from './session-members.ts';

export interface HangUpParts {
  engine: Docker;
  exec: Docker.Exec;
  clock: Clock;
}

type Signal = 'SIGHUP' | 'SIGKILL';

/** From the signal to the one that nothing survives. */
const graceMs = 3_000;
const lookMs = 20;

/** An engine that does not answer must not keep a host from stopping: the API gives shells nine seconds to end. */
const patienceMs = 8_000;

/**
 * Ends what an exec has begun. The engine leaves it running when its client goes, terminal or not, and has no call that
 * ends it: so its session gets what the kernel sends when a terminal is taken away, and after a grace SIGKILL. What ignores
 * SIGHUP on purpose goes on, as after ssh; the program itself does not. Raises when it cannot be ended.
 */
export async function hangUp(parts: HangUpParts): Promise<void> {
  const inTime = new AbortController();
  const tooLate = sleep(parts.clock, patienceMs, inTime.signal).then(() => {
    throw new RiverError(
      'Timeout',
      'the engine does not answer, or its processes are not those of this machine',
    );
  });
  try {
    await Promise.race([endSession(parts, inTime.signal), tooLate]);
  } finally {
    inTime.abort();
    await tooLate.catch(() => {});
  }
}

async function endSession(parts: HangUpParts, abortSignal: AbortSignal): Promise<void> {
  const { clock } = parts;
  const begun = await untilBegun(parts, abortSignal);
  if (begun === undefined) return;
  const { pid, containerId } = begun;
  const left = async () =>
    (await sessionMembers(pid, containerId)).filter((each) => !each.ignoresHangUp || each.pid === pid);
  const signalLeft = async (name: Signal) => signal(parts.engine, containerId, await left(), name);
  await signalLeft('SIGHUP');
  const deadline = clock.monotonic() + graceMs;
  while (clock.monotonic() < deadline) {
    if ((await left()).length === 0) return untilEnded(parts, abortSignal);
    await sleep(clock, lookMs);
  }
  await signalLeft('SIGKILL');
  await untilEnded(parts, abortSignal);
}

/** Undefined when it has ended. An exec is running before its process is there. */
async function untilBegun({ exec, clock }: HangUpParts, abortSignal: AbortSignal) {
  for (;;) {
    const now = await unless([404], exec.inspect({ abortSignal }));
    if (!now?.Running) return undefined;
    if (now.Pid > 0) return { pid: now.Pid, containerId: now.ContainerID };
    await sleep(clock, lookMs, abortSignal);
  }
}

async function untilEnded({ exec, clock }: HangUpParts, abortSignal: AbortSignal): Promise<void> {
  while ((await unless([404], exec.inspect({ abortSignal })))?.Running)
    await sleep(clock, lookMs, abortSignal);
}

/** By the kernel; by a process in the container where this user may not. */
async function signal(
  engine: Docker,
  containerId: string,
  members: readonly Member[],
  name: Signal,
): Promise<void> {
  const refused = members.filter(({ pid }) => !kill(pid, name));
  if (refused.length === 0) return;
  const words = ['/bin/sh', '-c', 'kill "$@"', 'sh', `-${name.slice(3)}`];
  const exec = await engine.getContainer(containerId).exec({
    Cmd: [...words, ...refused.map(({ innerPid }) => String(innerPid))],
    User: '0',
  });
  await exec.start({ Detach: true });
}

/** False when this user may not. */
function kill(pid: number, name: Signal): boolean {
  try {
    process.kill(pid, name);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EPERM';
  }
  return true;
}
