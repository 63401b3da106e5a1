import type { RunStatus } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { LoadProgress } from '../../executor/index.ts';

/** Each report is a write in the host's store. */
const everyMs = 2_000;

export type LoadReport = Required<Pick<RunStatus, 'phase' | 'reason' | 'message' | 'progress'>>;

export const loadingReason = 'LoadingEnvironment';

/** What people see of a load under way. */
export function loadReport(name: string, progress: LoadProgress): LoadReport {
  const { bytes, totalBytes, layers, totalLayers } = progress;
  const message = `Loading environment ${name}: ${mebibytes(bytes)} of ${mebibytes(totalBytes)} MiB, ${layers} of ${totalLayers} layers.`;
  return { phase: 'Preparing', reason: loadingReason, message, progress };
}

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0);

/** Passes on the newest of many, at most one in two seconds; the first at once. */
export function throttled(
  clock: Clock,
  report: (progress: LoadProgress) => void,
): (progress: LoadProgress) => void {
  let next = Number.NEGATIVE_INFINITY;
  return (progress) => {
    const now = clock.monotonic();
    if (now < next) return;
    next = now + everyMs;
    report(progress);
  };
}
