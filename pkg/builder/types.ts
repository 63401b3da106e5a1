import type { EnvironmentSpec, EnvironmentStepStatus, EnvironmentTarball } from '../api/index.ts';

export interface ParentEnvironment {
  name: string;
  digest: string;
}

export interface BuildRequest {
  name: string;
  spec: EnvironmentSpec;
  /** Of an Environment that is built from another: the digest to build on. */
  parent?: ParentEnvironment;
  /** RFC 3339: when the build began. */
  builtAt: string;
  signal: AbortSignal;
  /** Called at every step, and when the tarball is written: what a person should see of it. */
  onProgress(progress: { phase: 'Building' | 'Publishing'; text?: string }): void;
}

export interface BuildResult {
  /** sha256:… of the configuration of the image. */
  digest: string;
  /** Tag of the image. */
  image: string;
  steps: EnvironmentStepStatus[];
  tarball: EnvironmentTarball;
}

/** A state of an Environment that must stay. */
export interface KeptState {
  name: string;
  digest: string;
}

/** What must stay. */
export interface KeptThings {
  states: readonly KeptState[];
  /** Whether the Environment is being built at this moment: what it publishes is in no list yet. */
  isBusy(name: string): boolean;
  /** Hashes of what copy steps take. */
  uploads: ReadonlySet<string>;
}

/**
 * All methods raise `RiverError`. A transient one (the engine is away, the disk is full) may be tried again; any other
 * says what is wrong with the Environment, and will be wrong at the next try.
 */
export interface EnvironmentBuilder {
  /** Takes away what a host that was killed has left half done. Before anything else. */
  recover(): Promise<void>;
  /** The image, built as far as needed, and its tarball, written when it is not there. */
  build(request: BuildRequest): Promise<BuildResult>;
  /** Takes away tarballs and images of river that are not among these, and old layers and uploads that none of them uses. */
  collect(kept: KeptThings): Promise<void>;
  /** Output of the last build, appended to while it goes on. */
  logFile(name: string): string;
  /** The Environment is gone: the next one of its name has no output yet. */
  forget(name: string): Promise<void>;
}
