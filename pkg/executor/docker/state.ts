import { constants } from 'node:os';
import type { ContainerInspectInfo } from 'dockerode';
import { RiverError } from '../../base/index.ts';
import type { Execution, ExecutionSpec } from '../index.ts';
import { cdiPrefix } from './gpus.ts';
import { type Owner, ownerOf } from './names.ts';

/** The parts of the engine's inspect that are used, checked. */
export interface Container {
  id: string;
  owner: Owner | undefined;
  status: string;
  createdAt?: number;
  startedAt?: number;
  finishedAt?: number;
  exitCode: number;
  error: string;
  oomKilled: boolean;
  /** What it is held to; empty: nothing. */
  cpus: string;
  /** Of its first process, on the engine's machine; 0: nothing runs. */
  pid: number;
  /** UUIDs and device paths that it was made with. */
  gpus: string[];
}

/** The engine says "never" as the year 1. */
function time(text: unknown): number | undefined {
  const value = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return value > 0 ? value : undefined;
}

export function readContainer(info: ContainerInspectInfo): Container {
  const state = info?.State;
  if (
    typeof info?.Id !== 'string' ||
    typeof state?.Status !== 'string' ||
    typeof state.ExitCode !== 'number'
  ) {
    throw new RiverError(
      'InternalError',
      'The Docker Engine described a container in a way that is not understood; is it older than 20.10?',
    );
  }
  return {
    id: info.Id,
    owner: ownerOf(info.Config?.Labels),
    status: state.Status,
    createdAt: time(info.Created),
    startedAt: time(state.StartedAt),
    finishedAt: time(state.FinishedAt),
    exitCode: state.ExitCode,
    error: typeof state.Error === 'string' ? state.Error : '',
    oomKilled: state.OOMKilled === true,
    cpus: info.HostConfig?.CpusetCpus ?? '',
    pid: typeof state.Pid === 'number' ? state.Pid : 0,
    gpus: gpusOf(info.HostConfig),
  };
}

/** Never started, and on its way out, as what a start that was interrupted had left: the engine says `removing`, or `dead`. */
export function isGoing({ status, startedAt }: Container): boolean {
  return startedAt === undefined && (status === 'removing' || status === 'dead');
}

/** As far as the engine knows it has never run. */
export function isUnstarted(container: Container): boolean {
  return container.status === 'created' || isGoing(container);
}

function gpusOf(config: ContainerInspectInfo['HostConfig'] | undefined): string[] {
  const asked = (config?.DeviceRequests ?? [])
    .flatMap(({ DeviceIDs }) => DeviceIDs ?? [])
    .map((name) => name.replace(cdiPrefix, ''));
  const devices: { PathOnHost?: string }[] = config?.Devices ?? [];
  return [...asked, ...devices.flatMap(({ PathOnHost }) => PathOnHost ?? [])];
}

const signalNames = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** The engine and its init give a signal as 128+n; only real signals up to 31 are read so, 255 stays what it is. */
function endOf(exitCode: number): Pick<Execution, 'exitCode' | 'signal'> {
  const signal = exitCode > 128 && exitCode < 160 ? signalNames.get(exitCode - 128) : undefined;
  return signal === undefined ? { exitCode } : { signal };
}

export function startErrorOf(message: string): { reason: string; message: string } {
  if (/executable file not found|no such file or directory/i.test(message)) {
    return { reason: 'CommandNotFound', message: `The program could not be found in the image: ${message}` };
  }
  return { reason: 'StartFailed', message: `The Docker Engine could not start the container: ${message}` };
}

/** What an engine writes for a container that it finds dead when it comes up. A program may end so, too. */
const foundDead = 255;
const mayBeFoundDead =
  'A Docker Engine gives this code also to a container that died while the engine was away.';

/** What the engine's answer means for the run, without usage and without a look at the output. */
export function toExecution(container: Container, owner: Owner, bootId: string): Execution {
  const { runUid, namespace, runName } = owner;
  const base = {
    runUid,
    namespace,
    runName,
    ...(container.startedAt ? { startedAt: container.startedAt } : {}),
  };
  if (isUnstarted(container)) {
    if (container.error === '') return { ...base, state: 'created' };
    return { ...base, state: 'exited', startError: startErrorOf(container.error) };
  }
  if (container.status === 'paused') return { ...base, state: 'paused' };
  if (['running', 'restarting'].includes(container.status)) return { ...base, state: 'running' };
  const ended = {
    ...base,
    state: 'exited' as const,
    // The engine notes a start when it hears of it, which may be after an end that is told with its own time.
    ...(container.finishedAt ? { finishedAt: Math.max(container.finishedAt, container.startedAt ?? 0) } : {}),
  };
  if (container.startedAt === undefined) return { ...ended, startError: startErrorOf(container.error) };
  if (container.exitCode === foundDead && owner.bootId !== bootId)
    return { ...ended, unknownEnd: 'NodeRestarted' };
  return {
    ...ended,
    ...endOf(container.exitCode),
    ...(container.oomKilled ? { oomKilled: true } : {}),
    ...(container.exitCode === foundDead ? { note: mayBeFoundDead } : {}),
  };
}

export function identity(spec: ExecutionSpec): Pick<Execution, 'runUid' | 'namespace' | 'runName'> {
  return { runUid: spec.runUid, namespace: spec.namespace, runName: spec.runName };
}
