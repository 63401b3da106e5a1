import { existsSync, mkdirSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { logDirectory } from '../../pkg/api/index.ts';
import { type Clock, errorMessage, type Logger, RiverError, type Rng } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import type { RunnerSettings } from '../../pkg/config/index.ts';
import { hangOf } from '../../pkg/engine/index.ts';
import { dockerImageStore } from '../../pkg/executor/docker/index.ts';
import type { RunnerTunnel } from '../../pkg/gateway/index.ts';
import {
  type EnvironmentSource,
  type Intents,
  openIntents,
  Runner,
  RunnerCounters,
  type RunnerParts,
  SharedDirectory,
  type VolumeParts,
} from '../../pkg/runner/index.ts';
import { type DirectoryLock, lockDirectory } from '../../pkg/store/index.ts';
import { stopInOrder } from '../stopping.ts';
import { createExecutors } from './executors.ts';
import { bootId, folders, machineReader, volumeSpace } from './machine.ts';
import { createTunnel } from './tunnel.ts';

export interface RunnerWiring {
  settings: RunnerSettings;
  client: Client;
  /** The host's tarballs, read with so many bytes a second (0 = no limit). */
  environments: (bandwidth: number) => EnvironmentSource;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  version: string;
  /** It has stopped acting and says why; `stop` is still to be called. */
  onEnded: (error: RiverError) => void;
}

export interface RunningRunner {
  /** Lets go of what runs and begins anew with other settings: what runs is adopted. */
  restart(settings: RunnerSettings): Promise<void>;
  /**
   * Lets go of what runs: it goes on, and the next start finds it again. Answers whether all of the runner has ended;
   * what has not is in the log, and keeps the process alive.
   */
  stop(): Promise<boolean>;
}

export function startRunner(wiring: RunnerWiring): RunningRunner {
  const { clock, logger } = wiring;
  const state = openState(wiring);
  const { intents } = state;
  const tunnel = openTunnel(wiring, state);
  // As long as the process: who reads them takes a fall for a new one.
  const counters = new RunnerCounters();
  const begin = (settings: RunnerSettings) => {
    const runner = new Runner({ ...partsOf({ ...wiring, settings }, counters), intents, tunnel });
    runner.start();
    return runner;
  };
  let runner = begin(wiring.settings);
  // One after the other: the next one must find that the one before has let go.
  let work: Promise<void> = Promise.resolve();
  const next = (step: () => void) => {
    work = work.then(() => runner.stop()).then(step);
    return work;
  };
  return {
    restart: (settings) =>
      next(() => {
        runner = begin(settings);
      }),
    stop: () =>
      stopInOrder(
        [
          { name: 'tunnel', stop: () => tunnel.close() },
          { name: 'runtimes', stop: () => next(() => {}) },
          { name: 'intents', stop: () => close(state) },
        ],
        { clock, logger, trouble: () => engineTrouble(wiring) },
      ),
  };
}

async function engineTrouble({ settings, clock }: RunnerWiring): Promise<string | undefined> {
  const { enabled, socket } = settings.runtimes.docker;
  return enabled ? hangOf(socket, { clock, withinMs: 1_000 }) : undefined;
}

/** What a runner has set out to do, and the lock that keeps a second one on this machine from doing it too. */
interface State {
  lock: DirectoryLock;
  intents: Intents;
}

function close({ lock, intents }: State): void {
  intents.close();
  lock.release();
}

function lockedIntents(stateDir: string, clock: Clock): State {
  const lock = lockDirectory(stateDir, 'runner.lock');
  try {
    return { lock, intents: openIntents(join(stateDir, 'runner.db'), clock) };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function openState({ settings, clock }: RunnerWiring): State {
  try {
    makeFolders(settings);
    return lockedIntents(settings.stateDir, clock);
  } catch (cause) {
    if (cause instanceof RiverError) throw cause;
    throw new RiverError(
      'ServiceUnavailable',
      `the runner cannot use its state directory ${settings.stateDir} (${errorMessage(cause)}): it must be writable for the runner's user, with room on its disk`,
      {},
      { cause },
    );
  }
}

function openTunnel({ settings, clock, rng, logger }: RunnerWiring, state: State): RunnerTunnel {
  try {
    return createTunnel({ settings, clock, rng, logger });
  } catch (error) {
    close(state);
    throw error;
  }
}

/** The shared directory itself must be there: made here, it would hide that what should be mounted there is not. */
function makeFolders({ stateDir, localTempDir, sharedDir }: RunnerSettings): void {
  if (sharedDir !== undefined && !existsSync(sharedDir)) {
    throw new RiverError(
      'NotFound',
      `the shared directory ${sharedDir} does not exist: mount it, or correct sharedDir`,
    );
  }
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  mkdirSync(localTempDir, { recursive: true });
  if (sharedDir !== undefined) mkdirSync(join(sharedDir, 'shared_data'), { recursive: true });
}

function partsOf(wiring: RunnerWiring, counters: RunnerCounters): Omit<RunnerParts, 'intents' | 'tunnel'> {
  const { settings, client, clock, rng, logger, version, onEnded } = wiring;
  const { name, labels, sharedDir, localTempDir, stopGraceMs } = settings;
  return {
    settings: {
      name,
      labels,
      reserved: {
        cores: settings.reserved.milliCores / 1000,
        memoryBytes: settings.reserved.memoryBytes,
      },
      runtimes: (['docker', 'systemd', 'process'] as const).filter(
        (runtime) => settings.runtimes[runtime].enabled,
      ),
      sharedDir,
      localTempDir,
      logDir: logDirectory(settings),
      stopGraceMs,
      addresses: addresses(),
      gpuDevices: settings.topology.gpuDevices,
    },
    client,
    ...environmentsOf(wiring),
    executors: (clusterUid) =>
      createExecutors({ settings, clusterUid, clock, rng, logger, count: counters.count }),
    machine: machineReader(version, settings),
    readBootId: bootId,
    folders,
    volumes: volumesOf(settings),
    clock,
    rng,
    logger,
    counters,
    onEnded,
  };
}

/** They are loaded into the Docker Engine: none without one. */
function environmentsOf(wiring: RunnerWiring): Pick<RunnerParts, 'environments'> {
  const { settings, logger } = wiring;
  const { keepUnusedMs, minFreeBytes, bandwidth } = settings.environments;
  const { docker } = settings.runtimes;
  if (!docker.enabled) return {};
  return {
    environments: {
      store: dockerImageStore({ socketPath: docker.socket, logger }),
      ...(settings.sharedDir === undefined
        ? {}
        : { shared: new SharedDirectory(settings.sharedDir, settings.name) }),
      host: wiring.environments(bandwidth),
      settings: { keepUnusedMs, minFreeBytes },
    },
  };
}

/** Where there is a shared directory, output is on its volume; the folder itself may not be made yet. */
function volumesOf({ stateDir, localTempDir, sharedDir, minFreeBytes }: RunnerSettings): VolumeParts {
  return {
    list: [
      { use: 'state', path: stateDir },
      { use: 'temp', path: localTempDir },
      { use: 'logs', path: sharedDir ?? stateDir },
    ],
    ...(minFreeBytes === undefined ? {} : { minFreeBytes }),
    space: volumeSpace,
  };
}

/** Of this machine, without loopback and link-local ones: for people who look for it. */
function addresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address);
}
