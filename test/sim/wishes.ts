import type { Resources, TaskSpec, Toleration } from '../../pkg/api/index.ts';
import type { Rng } from '../../pkg/base/index.ts';
import type { Site } from './shapes.ts';
import { chance, pick } from './world.ts';

/** What people taint machines with. */
export const taint = { key: 'lab', value: 'x', effect: 'NoSchedule' } as const;

const tolerations: readonly Toleration[][] = [
  [{ operator: 'Exists' }],
  [{ key: taint.key, value: taint.value }],
  [{ key: taint.key, operator: 'Exists', effect: 'NoSchedule' }],
  [{ key: taint.key, value: 'another' }],
];

/** Mostly amounts alone; sometimes CPUs of its own, one NUMA node, or GPUs of some kind. */
export function randomResources(rng: Rng, mostCores: number): Resources {
  const cores = pick(rng, [0, 0.5, 1, 1, 2, mostCores]);
  const resources: Resources = { cores: chance(rng, 0.05) ? 40 : cores };
  if (chance(rng, 0.3)) resources.memory = pick(rng, ['1Gi', '3Gi', '6Gi']);
  if (chance(rng, 0.25) && Number.isInteger(cores) && cores > 0) resources.pin = true;
  if (chance(rng, 0.25)) resources.numa = pick(rng, ['prefer', 'require']);
  if (chance(rng, 0.25)) resources.gpus = randomGpus(rng);
  return resources;
}

function randomGpus(rng: Rng): Resources['gpus'] {
  const count = pick(rng, [1, 1, 1, 2]);
  return pick<() => Resources['gpus']>(rng, [
    () => count,
    () => ({ count, model: pick(rng, ['A100', 't4', 'MIG', 'H100']) }),
    () => ({ count, memory: pick(rng, ['8Gi', '20Gi']) }),
    () => ({ shared: true, memory: pick(rng, ['4Gi', '9Gi']) }),
    () => ({ shared: true, memory: '6Gi', model: 'a100', count }),
  ])();
}

/** Some of the machines, or a place in one, rarely one that is not there. Undefined: anywhere. */
export function randomTargets(rng: Rng, sites: readonly Site[]): TaskSpec['targets'] {
  const targets = sites.filter(() => chance(rng, 0.6)).map((site) => randomTarget(rng, site));
  if (chance(rng, 0.1)) targets.push('nowhere');
  const [first, ...more] = targets;
  return first === undefined ? undefined : [first, ...more];
}

function randomTarget(rng: Rng, { name, shape }: Site): string {
  const { numa, gpus } = shape.topology;
  if (chance(rng, 0.6)) return name;
  const node = chance(rng, 0.5) ? rng.below(numa.length + (chance(rng, 0.1) ? 1 : 0)) : undefined;
  if (gpus.length === 0 || chance(rng, 0.3)) return node === undefined ? name : `${name}:${node}`;
  const index = rng.below(gpus.length + (chance(rng, 0.1) ? 1 : 0));
  return `${name}:${node ?? ''}:${index}`;
}

export function randomTolerations(rng: Rng): Toleration[] | undefined {
  return chance(rng, 0.3) ? pick(rng, tolerations) : undefined;
}
