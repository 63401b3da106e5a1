import { RiverError } from '../../base/index.ts';
import type { TarballIndex } from '../../environment/index.ts';
import type { ByteSource } from '../../executor/index.ts';

/** One digest of an environment; the files of a digest never change. */
export interface EnvironmentReference {
  name: string;
  digest: string;
}

/** A place where tarballs of environments can be read. */
export interface EnvironmentSource {
  /** Undefined when it has none of this digest. */
  index(environment: EnvironmentReference): Promise<TarballIndex | undefined>;
  bytes(environment: EnvironmentReference): ByteSource;
}

export function keyOf({ name, digest }: EnvironmentReference): string {
  return `${name}@${digest}`;
}

/** It may be published again, or the host be set right: tried again. */
export function unavailable(
  { name, digest }: EnvironmentReference,
  why: string,
  cause?: unknown,
): RiverError {
  const message = `Environment ${name} with digest ${digest.slice(0, 19)} cannot be read: ${why}. It is tried again.`;
  const causes = [{ field: 'spec.environment', reason: 'EnvironmentUnavailable', message: why }];
  return new RiverError('ServiceUnavailable', message, { causes }, { cause });
}
