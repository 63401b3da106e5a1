import { isDeepStrictEqual } from 'node:util';
import type { ConfigKind, Settings } from './settings.ts';

type Reload = 'live' | 'restart';

/** Which settings a running process takes over, and which wait for its next start. */
const reloadTable: { readonly [K in ConfigKind]: Readonly<Record<keyof Required<Settings[K]>, Reload>> } = {
  host: {
    listen: 'restart',
    gateway: 'restart',
    tls: 'restart',
    stateDir: 'restart',
    sharedDir: 'restart',
    logLevel: 'live',
    leaseMs: 'restart',
    defaults: 'live',
    defaultEnvironment: 'live',
    docker: 'restart',
    compaction: 'restart',
    placementPolicy: 'restart',
  },
  runner: {
    host: 'restart',
    name: 'restart',
    stateDir: 'restart',
    sharedDir: 'restart',
    localTempDir: 'restart',
    logLevel: 'live',
    labels: 'live',
    runtimes: 'restart',
    reserved: 'live',
    minFreeBytes: 'live',
    stopGraceMs: 'live',
    environments: 'live',
    topology: 'live',
  },
};

export interface ConfigChange<K extends ConfigKind> {
  /** What the process works with from now on: the old settings with the new values of those that are live. */
  settings: Settings[K];
  /** Live settings that have changed. */
  live: (keyof Settings[K])[];
  /** Settings whose new value waits for the next start. */
  restart: (keyof Settings[K])[];
}

export function compareSettings<K extends ConfigKind>(
  kind: K,
  running: Settings[K],
  wanted: Settings[K],
): ConfigChange<K> {
  const table = reloadTable[kind] as Readonly<Record<keyof Settings[K], Reload>>;
  const changed = (Object.keys(table) as (keyof Settings[K])[]).filter(
    (key) => !isDeepStrictEqual(running[key], wanted[key]),
  );
  const live = changed.filter((key) => table[key] === 'live');
  const taken = Object.fromEntries(live.map((key) => [key, wanted[key]]));
  return {
    settings: { ...running, ...taken },
    live,
    restart: changed.filter((key) => table[key] === 'restart'),
  };
}
