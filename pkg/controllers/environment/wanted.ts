import { type Environment, type EnvironmentDigest, environmentHash } from '../../api/index.ts';
import type { BuildResult } from '../../builder/index.ts';

/** A person has chosen the digest that is in use, and the manifest is still the one that was there then. */
export function isChosen(environment: Environment | undefined): boolean {
  const chosen = environment?.status?.chosen;
  return environment !== undefined && chosen !== undefined && chosen === environmentHash(environment.spec);
}

/** The newest first; what is in it too long goes once the new digest is in use, and nothing more can be bound to it. */
export function historyAfter(
  environment: Environment,
  { digest, tarball }: Pick<BuildResult, 'digest' | 'tarball'>,
  commit?: EnvironmentDigest['commit'],
): EnvironmentDigest[] {
  const newest = {
    digest,
    size: tarball.size,
    builtAt: tarball.builtAt,
    generation: environment.metadata.generation ?? 1,
    ...(commit ? { commit } : {}),
  };
  const older = (environment.status?.history ?? []).filter((entry) => entry.digest !== digest);
  return [newest, ...older];
}

/** The newest `keep`, and what is needed. */
export function kept(
  history: readonly EnvironmentDigest[],
  keep = 2,
  isNeeded: (digest: string) => boolean,
): EnvironmentDigest[] {
  return history.filter(({ digest }, index) => index < keep || isNeeded(digest));
}

/** What river commit has made since the last build: a build knows nothing of it. */
export function commitsSinceBuild(environment: Environment): EnvironmentDigest[] {
  const history = environment.status?.history ?? [];
  const build = history.findIndex(({ commit }) => !commit);
  return build < 0 ? history : history.slice(0, build);
}
