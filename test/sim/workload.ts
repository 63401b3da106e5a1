import type { Task, TaskSpec } from '../../pkg/api/index.ts';
import type { Rng } from '../../pkg/base/index.ts';
import { between, chance, pick } from './world.ts';

/** What a simulated program does is written in its command: see `pkg/executor/fake`. */
export function program(rng: Rng): [string, ...string[]] {
  const durationMs = Math.round(chance(rng, 0.3) ? between(rng, 1, 500) : between(rng, 500, 60_000));
  const words: [string, ...string[]] = ['sim', `for:${durationMs}ms`];
  const end = rng.next();
  if (end < 0.2) words.push(`exit:${1 + rng.below(3)}`);
  else if (end < 0.24) words.push('signal:SIGSEGV');
  else if (end < 0.28) words.push('no-start:CommandNotFound');
  if (chance(rng, 0.3)) words.push('ignore-term');
  return words;
}

export const nodeCores = 4;
export const nodeMemoryBytes = 8 * 2 ** 30;

/** A task as a person would write it: mostly ordinary, sometimes one that can never run. */
export function randomSpec(rng: Rng, nodes: readonly string[]): TaskSpec {
  const spec: TaskSpec = { command: program(rng), runtime: chance(rng, 0.6) ? 'process' : 'docker' };
  if (spec.runtime === 'docker') spec.image = chance(rng, 0.1) ? 'missing' : 'busybox';
  const cores = pick(rng, [0, 0.5, 1, 1, 2, nodeCores]);
  spec.resources = { cores: chance(rng, 0.05) ? 10 * nodeCores : cores };
  if (chance(rng, 0.3)) spec.resources.memory = pick(rng, ['1Gi', '3Gi', '6Gi']);
  if (chance(rng, 0.4)) {
    const targets = nodes.filter(() => chance(rng, 0.6));
    if (chance(rng, 0.1)) targets.push('nowhere');
    if (targets.length > 0) spec.targets = targets as [string, ...string[]];
  }
  if (chance(rng, 0.3)) spec.timeout = `${10 + rng.below(40)}s`;
  if (chance(rng, 0.2)) spec.ttlAfterFinished = `${chance(rng, 0.3) ? rng.below(3) : 10 + rng.below(120)}s`;
  if (chance(rng, 0.3)) spec.retry = { limit: 1 + rng.below(3), backoff: `${rng.below(20)}s` };
  if (chance(rng, 0.05)) spec.suspend = true;
  return spec;
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
