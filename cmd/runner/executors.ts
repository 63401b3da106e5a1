import { join } from 'node:path';
import type { Clock, Logger, Rng } from '../../pkg/base/index.ts';
import type { RunnerSettings } from '../../pkg/config/index.ts';
import { dockerExecutor } from '../../pkg/executor/docker/index.ts';
import type { Executor } from '../../pkg/executor/index.ts';
import { processExecutor } from '../../pkg/executor/process/index.ts';
import { systemdExecutor } from '../../pkg/executor/systemd/index.ts';
import type { RunnerCounters } from '../../pkg/runner/index.ts';
import { bootId } from './machine.ts';

export interface ExecutorWiring {
  settings: RunnerSettings;
  clusterUid: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  count: RunnerCounters['count'];
}

/** One for each runtime that the configuration allows, whether it works at the moment or not. */
export function createExecutors({ settings, ...seams }: ExecutorWiring): Executor[] {
  const executors: Executor[] = [];
  const { docker, systemd, process: processes } = settings.runtimes;
  const isRoot = process.getuid?.() === 0;
  if (docker.enabled) {
    const stateDir = join(settings.stateDir, 'docker');
    executors.push(dockerExecutor({ ...seams, socketPath: docker.socket, stateDir, bootId, isRoot }));
  }
  if (systemd.enabled) {
    const stateDir = join(settings.stateDir, 'systemd');
    const { stopGraceMs } = settings;
    const more = { stateDir, bootId, baseEnv: inherited(), isRoot, stopGraceMs };
    executors.push(systemdExecutor({ ...seams, ...more }));
  }
  if (processes.enabled) {
    const stateDir = join(settings.stateDir, 'process');
    executors.push(processExecutor({ ...seams, stateDir, bootId, baseEnv: inherited() }));
  }
  return executors;
}

/** What a program needs to find others and speak to its person; nothing else of the runner's environment reaches it. */
function inherited(): Record<string, string> {
  const { PATH = '/usr/local/bin:/usr/bin:/bin', HOME = '/', LANG = 'C.UTF-8' } = process.env;
  return { PATH, HOME, LANG };
}
