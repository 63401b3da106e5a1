import type { Task, TaskSpec } from '../../pkg/api/index.ts';
import type { Rng } from '../../pkg/base/index.ts';
import type { Site } from './shapes.ts';
import { randomResources, randomTargets, randomTolerations } from './wishes.ts';
import { between, chance, pick } from './world.ts';

/** What a simulated program does is written in its command: see `pkg/executor/fake`. */
export function program(rng: Rng): [string, ...string[]] {
  const longMs = chance(rng, 0.2) ? 100_000 : 60_000;
  const durationMs = Math.round(chance(rng, 0.3) ? between(rng, 1, 500) : between(rng, 500, longMs));
  const words: [string, ...string[]] = ['sim', `for:${durationMs}ms`];
  const end = rng.next();
  if (end < 0.2) words.push(`exit:${1 + rng.below(3)}`);
  else if (end < 0.24) words.push('signal:SIGSEGV');
  else if (end < 0.28) words.push('no-start:CommandNotFound');
  if (chance(rng, 0.3)) words.push('ignore-term');
  return words;
}

/** So many cores the smallest machine has. */
const leastCores = 4;

/** What people can name in their manifests. */
export interface Lab {
  sites: readonly Site[];
  environments: readonly string[];
}

/** A task as a person would write it: mostly ordinary, sometimes one that can never run. */
export function randomSpec(rng: Rng, { sites, environments }: Lab): TaskSpec {
  const spec: TaskSpec = { command: program(rng), runtime: chance(rng, 0.6) ? 'process' : 'docker' };
  if (spec.runtime === 'docker') chooseImage(rng, spec, environments);
  spec.resources = randomResources(rng, leastCores);
  const targets = chance(rng, 0.4) ? randomTargets(rng, sites) : undefined;
  if (targets) spec.targets = targets;
  // How many GPUs it gets is then said by the target.
  if (targets?.some((target) => /:.*:/.test(target))) spec.resources.gpus = undefined;
  const tolerations = randomTolerations(rng);
  if (tolerations) spec.tolerations = tolerations;
  if (chance(rng, 0.2)) spec.priority = pick(rng, [-5, 5, 10]);
  if (chance(rng, 0.15)) sweep(rng, spec);
  if (chance(rng, 0.3)) spec.timeout = `${10 + rng.below(40)}s`;
  if (chance(rng, 0.2)) spec.ttlAfterFinished = `${chance(rng, 0.3) ? rng.below(3) : 10 + rng.below(120)}s`;
  if (chance(rng, 0.3)) spec.retry = { limit: 1 + rng.below(3), backoff: `${rng.below(20)}s` };
  if (chance(rng, 0.05)) spec.suspend = true;
  return spec;
}

/** Sometimes one that is not there. */
function chooseImage(rng: Rng, spec: TaskSpec, environments: readonly string[]): void {
  if (environments.length > 0 && chance(rng, 0.7))
    spec.environment = chance(rng, 0.1) ? 'absent' : pick(rng, environments);
  else spec.image = chance(rng, 0.1) ? 'missing' : 'busybox';
}

/** Two to four points, which last differently; often not all at once. */
function sweep(rng: Rng, spec: TaskSpec): void {
  spec.args = [pick(rng, ['for:span:[300ms,9s]', 'for:span:{1..3}s', 'for:span:[1s,20s,2s,4s]'])];
  if (chance(rng, 0.7)) spec.parallelism = 1 + rng.below(2);
}

export type Deed =
  | 'apply again'
  | 'label'
  | 'change'
  | 'pause'
  | 'resume'
  | 'stop'
  | 'go on'
  | 'rerun'
  | 'delete'
  | 'make anew';

const deeds: readonly Deed[] = [
  'apply again',
  'label',
  'change',
  'change',
  'pause',
  'pause',
  'pause',
  'pause',
  'resume',
  'resume',
  'stop',
  'go on',
  'rerun',
  'rerun',
  'delete',
];

/** What people do to one task after they made it. Nothing but making it anew follows its deletion. */
export function randomStory(rng: Rng): Deed[] {
  const story: Deed[] = [];
  const length = rng.below(5);
  while (story.length < length) {
    const deed = pick(rng, deeds);
    story.push(deed);
    if (deed === 'pause' && chance(rng, 0.7)) story.push('resume');
    if (deed !== 'delete') continue;
    if (chance(rng, 0.5)) break;
    story.push('make anew');
  }
  return story;
}

export function manifest(name: string, spec: TaskSpec, labels?: Record<string, string>): Task {
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name, namespace: 'default', ...(labels && { labels }) },
    spec,
  };
}
