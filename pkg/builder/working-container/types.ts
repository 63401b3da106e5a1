import type { ContainerChanges, EnvironmentSpec, EnvironmentTarball } from '../../api/index.ts';

/** As the engine has it at this moment. */
export interface ContainerState {
  id: string;
  name: string;
  running: boolean;
  /** RFC 3339: since when it runs or does not. */
  since: string;
  /** Of the image that it was made from. */
  digest: string;
  /** Somebody is in it, or something that somebody has begun there. */
  inUse: boolean;
  limits: ContainerLimits;
}

/** 0 = no limit. */
export interface ContainerLimits {
  milliCores: number;
  memoryBytes: number;
}

export interface CommitRequest {
  /** Of the Environment. */
  name: string;
  /** Of the request: what was done of it before the host was killed is not done again. */
  id: string;
  by: string;
  message?: string;
  spec: EnvironmentSpec;
  /** What the container was made from. */
  parentDigest: string;
  /** RFC 3339. */
  builtAt: string;
  signal: AbortSignal;
  onProgress(text: string): void;
}

export interface CommitResult {
  digest: string;
  /** Tag of the image. */
  image: string;
  tarball: EnvironmentTarball;
}

/**
 * Working containers on the engine of the host, one an Environment, found by name and labels: nothing is remembered
 * here. All methods raise `RiverError`; a transient one may be tried again.
 */
export interface EnvironmentContainers {
  /** Raises `Conflict` when the name belongs to a container that is not of this host. */
  find(name: string): Promise<ContainerState | undefined>;
  /**
   * Makes it, stopped, from the image of the digest, which is loaded from its tarball when the engine has it not. Does
   * nothing when there is one. Raises `Invalid` for an image in which nothing can be done by hand.
   */
  create(name: string, digest: string, limits: ContainerLimits): Promise<void>;
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  limit(name: string, limits: ContainerLimits): Promise<void>;
  /** With all that is in it. */
  remove(name: string): Promise<void>;
  /** Against the image that it was made from. */
  changes(name: string): Promise<ContainerChanges>;
  /** Whether all that is in it is in that digest of it too. */
  isCommitted(name: string, digest: string): Promise<boolean>;
  /** Its state as an image with the configuration of the one that it was made from, and its tarball. It goes on. */
  commit(request: CommitRequest): Promise<CommitResult>;
  /**
   * Tells names whose container began or ended, or that somebody has come to or left; without a name when anything may
   * have happened, because the engine was away.
   */
  follow(onChange: (name?: string) => void): { close(): void };
}
