import { isIP } from 'node:net';
import type { Finding, HostConfig, RunnerConfig } from '../api/index.ts';
import {
  environmentFindings,
  labelKeyProblem,
  labelValueProblem,
  nameProblem,
  parseCores,
  parseDuration,
  parseMount,
  parseQuantity,
} from '../api/index.ts';
import { hasCode } from '../base/index.ts';
import { topologyFindings } from './topology-rules.ts';

/** The finding of a check that answers with a problem or raises `Invalid`; none for a field that is not there. */
function check<T>(path: Finding['path'], value: T | undefined, problemOf: (value: T) => unknown): Finding[] {
  if (value === undefined) return [];
  const finding = (message: string): Finding[] => [{ path, message, reason: 'FieldValueInvalid' }];
  try {
    const problem = problemOf(value);
    return typeof problem === 'string' ? finding(problem) : [];
  } catch (error) {
    if (hasCode(error, 'Invalid')) return finding(error.message);
    throw error;
  }
}

const absolute = (path: string) =>
  path.startsWith('/') ? undefined : `must be an absolute path; found "${path}"`;

/** A time span of `leastMs` or more. */
const span = (leastMs: number, least: string) => (text: string) =>
  parseDuration(text) < leastMs ? `must be ${least} or more; found ${text}` : undefined;

/** A DNS name, also with a leading `*.`, or an address: what a certificate can be for. */
const serverName = (name: string) =>
  isIP(name) || /^(\*\.)?([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*[a-z0-9]([-a-z0-9]*[a-z0-9])?$/i.test(name)
    ? undefined
    : `must be a host name or an address, without https:// and port; found "${name}"`;

function hostUrl(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'https:' || url.pathname !== '/' || url.search || url.username) {
    return `must be the address of the host's API, as in https://127.0.0.1:8000; found "${text}"`;
  }
  return undefined;
}

/** As in a manifest; but there is no folder beside it from which river apply would send something. */
function defaultEnvironmentFindings({ defaults }: HostConfig): Finding[] {
  const { name, spec } = defaults?.environment ?? {};
  if (name === undefined || spec === undefined) return [];
  const path: Finding['path'] = ['defaults', 'environment'];
  const copies = (spec.steps ?? []).flatMap(({ copy }, index) =>
    check([...path, 'spec', 'steps', index, 'copy'], copy, () => 'cannot stand here; apply a manifest'),
  );
  const found = environmentFindings(spec, []).map((finding) => ({
    ...finding,
    path: [...path, ...finding.path],
  }));
  return [...check([...path, 'name'], name, nameProblem), ...copies, ...found];
}

export function hostFindings(config: HostConfig): Finding[] {
  return [
    ...(config.tls?.names ?? []).flatMap((name, index) => check(['tls', 'names', index], name, serverName)),
    ...check(['stateDir'], config.stateDir, absolute),
    ...check(['sharedDir'], config.sharedDir, absolute),
    ...check(['leaseDuration'], config.leaseDuration, span(1000, '1s')),
    ...(config.defaults?.mounts ?? []).flatMap((mount, index) =>
      check(['defaults', 'mounts', index], mount, parseMount),
    ),
    ...defaultEnvironmentFindings(config),
    ...check(['docker', 'socket'], config.docker?.socket, absolute),
    ...check(['docker', 'cacheAge'], config.docker?.cacheAge, parseDuration),
    ...check(['docker', 'minFree'], config.docker?.minFree, parseQuantity),
    ...check(['compaction', 'interval'], config.compaction?.interval, span(1000, '1s')),
  ];
}

/** `hostname`: of this machine, for the name where the configuration has none. */
export function runnerFindings(config: RunnerConfig, hostname: string): Finding[] {
  const labels = Object.entries(config.labels ?? {}).flatMap(([key, value]) =>
    check(['labels', key], value, () => labelKeyProblem(key) ?? labelValueProblem(value)),
  );
  const hint = config.name === undefined ? ` (the machine's host name); write a name` : '';
  return [
    ...check(['host'], config.host, hostUrl),
    ...check(['name'], config.name ?? hostname.toLowerCase(), (name) => {
      const problem = nameProblem(name);
      return problem && problem + hint;
    }),
    ...check(['stateDir'], config.stateDir, absolute),
    ...check(['sharedDir'], config.sharedDir, absolute),
    ...check(['localTempDir'], config.localTempDir, absolute),
    ...check(['runtimes', 'docker', 'socket'], config.runtimes?.docker?.socket, absolute),
    ...check(['reserved', 'cores'], config.reserved?.cores, parseCores),
    ...check(['reserved', 'memory'], config.reserved?.memory, parseQuantity),
    ...check(['minFree'], config.minFree, parseQuantity),
    ...check(['stopGrace'], config.stopGrace, parseDuration),
    ...check(['environments', 'keepUnused'], config.environments?.keepUnused, parseDuration),
    ...check(['environments', 'minFree'], config.environments?.minFree, parseQuantity),
    ...check(['environments', 'bandwidth'], config.environments?.bandwidth, parseQuantity),
    ...(config.topology?.numa ?? []).flatMap(({ memory }, index) =>
      check(['topology', 'numa', index, 'memory'], memory, parseQuantity),
    ),
    ...(config.topology?.gpus ?? []).flatMap(({ memory }, index) =>
      check(['topology', 'gpus', index, 'memory'], memory, parseQuantity),
    ),
    ...topologyFindings(config.topology),
    ...labels,
  ];
}
