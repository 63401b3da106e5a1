import type { Environment, EnvironmentDigest } from '../../api/index.ts';
import type { BuildResult } from '../../builder/index.ts';

/** Names from an Environment up its parents and back to one of them; undefined when there is no cycle. */
export function cycleOf(name: string, parentOf: (name: string) => string | undefined): string[] | undefined {
  const path = [name];
  for (let next = parentOf(name); next !== undefined; next = parentOf(next)) {
    const seen = path.indexOf(next);
    path.push(next);
    if (seen >= 0) return path.slice(seen);
  }
  return undefined;
}

/** The newest first, and at most `keep`, besides what Runs still need. */
export function historyAfter(
  environment: Environment,
  result: BuildResult,
  isNeeded: (digest: string) => boolean,
): EnvironmentDigest[] {
  const { digest, tarball } = result;
  const newest = {
    digest,
    size: tarball.size,
    builtAt: tarball.builtAt,
    generation: environment.metadata.generation ?? 1,
  };
  const older = (environment.status?.history ?? []).filter((entry) => entry.digest !== digest);
  return kept([newest, ...older], environment.spec.keep, isNeeded);
}

export function kept(
  history: readonly EnvironmentDigest[],
  keep = 2,
  isNeeded: (digest: string) => boolean,
): EnvironmentDigest[] {
  return history.filter(({ digest }, index) => index < keep || isNeeded(digest));
}
