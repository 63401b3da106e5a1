import { labels } from '../../api/index.ts';
import type { ExecutionSpec } from '../index.ts';

/**
 * What the container itself remembers, beside the labels of pkg/api: with it a runner that knows nothing any more
 * can go on collecting the output, and tell an end by a reboot from an exit code.
 */
const ownLabels = {
  outPath: 'river.dev/out',
  errPath: 'river.dev/err',
  bootId: 'river.dev/boot-id',
} as const;

/** The one name of a run's container: creating it twice is refused by the engine. */
export function containerName(clusterUid: string, runUid: string): string {
  return `river-${clusterUid.slice(0, 12)}-${runUid}`;
}

export function containerLabels(spec: ExecutionSpec, bootId: string): Record<string, string> {
  return {
    [labels.cluster]: spec.clusterUid,
    [labels.runUid]: spec.runUid,
    [labels.run]: spec.runName,
    [labels.namespace]: spec.namespace,
    [ownLabels.outPath]: spec.outPath,
    [ownLabels.errPath]: spec.errPath,
    [ownLabels.bootId]: bootId,
  };
}

/** What the labels of a container say. */
export interface Owner {
  clusterUid: string;
  runUid: string;
  runName: string;
  namespace: string;
  outPath: string;
  errPath: string;
  bootId: string;
}

/** Undefined when they are not all there: then river did not make it. */
export function ownerOf(found: Record<string, string> | undefined): Owner | undefined {
  const get = (name: string) => found?.[name] ?? '';
  const owner: Owner = {
    clusterUid: get(labels.cluster),
    runUid: get(labels.runUid),
    runName: get(labels.run),
    namespace: get(labels.namespace),
    outPath: get(ownLabels.outPath),
    errPath: get(ownLabels.errPath),
    bootId: get(ownLabels.bootId),
  };
  return Object.values(owner).every((value) => value !== '') ? owner : undefined;
}
