import { apiVersion, type Node, type Resources, type Run } from '../../pkg/api/index.ts';
import type { Store } from '../../pkg/store/index.ts';
import { gibibyte, gpu, numaNodes, readyNode } from '../support/machines.ts';

const createdAt = '2026-01-01T00:00:00Z';
/** Of one commit. */
const putTogether = 250;

/** 128 CPUs in 64 cores on two NUMA nodes, with four GPUs: lists as a runner reports them. */
export function makeNode(index: number): Node {
  const name = `node-${String(index).padStart(4, '0')}`;
  const resources = { cores: 128, memory: 512 * gibibyte };
  const metadata = { uid: `uid-of-${name}`, creationTimestamp: createdAt, generation: 1 };
  const cores = Array.from({ length: 64 }, (_unused, core) => `${core},${core + 64}`);
  const status = {
    capacity: resources,
    allocatable: resources,
    cpus: { online: '0-127', allocatable: '0-127', isolated: '', cores },
    numa: numaNodes(['0-31,64-95', '32-63,96-127'], 256 * gibibyte),
    gpus: Array.from({ length: 4 }, (_unused, index) =>
      gpu(index, `GPU-${name}-${index}`, {
        model: 'NVIDIA L40S',
        memory: 48 * gibibyte,
        numa: index < 2 ? 0 : 1,
      }),
    ),
    versions: { river: '0.1.0' },
  };
  return readyNode(name, status, { metadata });
}

/** What the Runs of one class ask for. All differ in memory; of ten classes two ask for GPUs, one pins, one is confined. */
function makeResources(needClass: number): Resources {
  const resources = { cores: 1 + (needClass % 2), memory: `${1024 + needClass}Mi` };
  switch (needClass % 10) {
    case 3:
      return { ...resources, pin: true };
    case 5:
      return { ...resources, numa: 'require' };
    case 7:
      return { ...resources, gpus: { memory: '8Gi', shared: true } };
    case 9:
      return { ...resources, numa: 'prefer', gpus: { memory: '4Gi', shared: true } };
    default:
      return resources;
  }
}

/** Of `classes` different needs, one after the other. */
export function makeRun(index: number, classes: number): Run {
  const name = `run-${String(index).padStart(6, '0')}`;
  return {
    apiVersion,
    kind: 'Run',
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-of-${name}`,
      creationTimestamp: createdAt,
      generation: 1,
      labels: { task: 'bench' },
    },
    spec: {
      task: 'bench',
      revision: 1,
      ordinal: index,
      attempt: 0,
      desired: 'Running',
      runtime: 'process',
      command: ['/bin/true'],
      resources: makeResources(index % classes),
    },
    status: { phase: 'Pending' },
  };
}

/** One that has done its work on one of the nodes. */
export function makeEnded(index: number, nodes: number): Run {
  const run = makeRun(index, 1);
  const node = makeNode(index % nodes).metadata.name ?? '';
  const name = `ended-${String(index).padStart(6, '0')}`;
  return {
    ...run,
    metadata: { ...run.metadata, name, uid: `uid-of-${name}` },
    spec: { ...run.spec, task: 'ended', placement: { node } },
    status: { phase: 'Succeeded', exitCode: 0, startedAt: createdAt, finishedAt: createdAt },
  };
}

export async function putAll(store: Store, objects: readonly (Node | Run)[]): Promise<void> {
  for (let from = 0; from < objects.length; from += putTogether)
    await store.transact((transaction) => {
      for (const object of objects.slice(from, from + putTogether)) transaction.put(object, 0);
    });
}
