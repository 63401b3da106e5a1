import type { ObjectOf } from '../api/index.ts';
import type { ShellProcess, ShellRequest } from '../shell/index.ts';
import type { LogOptions } from './types.ts';

/** Tarballs of environments, as the host has them; for nodes and admins, and only over HTTP. */
export interface EnvironmentFiles {
  /** Raises `NotFound` when the host has none of this digest. */
  environmentIndex(name: string, digest: string): Promise<unknown>;
  /**
   * As they come; ends after so many bytes. Raises `ServiceUnavailable` for a connection that breaks off or on which
   * nothing comes: the caller goes on at the byte that it has reached.
   */
  environmentBytes(
    name: string,
    digest: string,
    range: { offset: number; size: number },
    signal: AbortSignal,
  ): AsyncIterable<Uint8Array>;
}

/** What people do with an Environment beside its manifest; for admins, and only over HTTP. */
export interface EnvironmentActions {
  /** The digest is in use until the manifest changes. Raises `NotFound` when it is not kept any more. */
  rollBack(name: string, digest: string): Promise<ObjectOf<'Environment'>>;
  /**
   * Asks for the state of its working container as the next digest. It is done when `status.request` of the answer is not
   * there any more: then `status.history` has an entry with its id, or the condition Committed says why not.
   */
  commit(name: string, message?: string): Promise<ObjectOf<'Environment'>>;
  /** Asks to throw away what is in its working container. It is done when `status.request` is not there any more. */
  discard(name: string): Promise<ObjectOf<'Environment'>>;
  /** Output of the last build; with `follow` until it has ended. Raises `NotFound` when there was none. */
  buildLog(name: string, options: BuildLogOptions): AsyncIterable<Uint8Array>;
  /**
   * A program in the container that an interactive Environment keeps. Raises `NotFound`, or `Conflict` when there is no
   * such container now; what is wrong with the program itself is raised by its `exitCode`. Cut off when the signal aborts.
   */
  openShell(name: string, request: ShellRequest, signal?: AbortSignal): Promise<ShellProcess>;
}

/** `startsAt` is also told which build it is. */
export interface BuildLogOptions extends Omit<LogOptions, 'stream'> {
  /** The build that `offset` is of: of any other one all comes. */
  build?: string;
}

/** What `copy` steps of Environments take, under the sha256 of its bytes; for admins, and only over HTTP. */
export interface FileUploads {
  uploadState(sha256: string): Promise<UploadState>;
  /** Of at most 8 MiB, at or before the byte where the host is. With `last` the host checks the hash: `Invalid`. */
  uploadPart(sha256: string, offset: number, bytes: Uint8Array, last: boolean): Promise<UploadState>;
}

export interface UploadState {
  /** Bytes that the host has. */
  size: number;
  /** All of them, and they have the hash. */
  complete: boolean;
}
