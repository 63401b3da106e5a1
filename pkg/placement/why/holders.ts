import { type Node, parseDuration, type Run } from '../../api/index.ts';
import { chargeOf, isCharged } from '../charges.ts';
import type { RefusalCode } from '../refusal.ts';

/** A Run that has what another one lacks. */
export interface Holder {
  run: Run;
  /** Since it was started; undefined while it is being prepared. */
  sinceMs?: number;
  /** When its timeout ends it at the latest; undefined without one, and while nobody knows. */
  untilMs?: number;
}

/** Who has of the node what is missing, the largest first. */
export function holdersOf(node: Node, runs: readonly Run[], codes: readonly RefusalCode[]): Holder[] {
  const wants = (...some: RefusalCode[]) => some.some((code) => codes.includes(code));
  const weight = (run: Run): number => {
    const { milliCores, memoryBytes, gpus, pinnedCpus } = chargeOf(run);
    return (
      (wants('Gpus', 'Numa') ? gpus.length * 1e6 : 0) +
      (wants('Cores', 'Pin', 'Numa') ? milliCores + pinnedCpus.length : 0) +
      (wants('Memory', 'Numa') ? memoryBytes / 2 ** 30 : 0)
    );
  };
  return runs
    .filter((run) => isCharged(run) && run.spec.placement?.node === node.metadata.name)
    .map((run) => ({ run, weight: weight(run) }))
    .filter(({ weight: size }) => size > 0)
    .sort((left, right) => right.weight - left.weight)
    .map(({ run }) => ({ run, ...times(run) }));
}

function times({ spec, status }: Run): Pick<Holder, 'sinceMs' | 'untilMs'> {
  const sinceMs = Date.parse(status?.startedAt ?? '');
  if (Number.isNaN(sinceMs)) return {};
  const mayEnd = spec.timeout !== undefined && status?.phase === 'Running';
  return {
    sinceMs,
    ...(mayEnd ? { untilMs: sinceMs + parseDuration(spec.timeout ?? '0s') + (status?.pausedMs ?? 0) } : {}),
  };
}
