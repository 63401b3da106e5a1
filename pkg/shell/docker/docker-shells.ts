import type { Duplex, Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type Clock, errorMessage, type Logger, lazy, RiverError } from '../../base/index.ts';
import {
  engineError,
  engineMessage,
  engineStatus,
  hostEngine,
  openEngine,
  unless,
} from '../../engine/index.ts';
import type { ContainerShells, ShellProcess, ShellRequest } from '../index.ts';
import { Begun } from './begun.ts';
import { DockerProcess } from './docker-process.ts';
import { hangUp } from './hang-up.ts';

export interface DockerShellOptions {
  socketPath: string;
  /** Where it is noted what runs. */
  directory: string;
  clock: Clock;
  logger: Logger;
}

export interface DockerShells extends ContainerShells {
  /** Hangs up what was begun by a host that was killed. Never raises: what cannot be ended now is tried at the next start. */
  recover(): Promise<void>;
}

/** The first that an image has is its shell: the one that people know better comes first. */
const knownShells = ['/bin/bash', '/usr/bin/bash', '/bin/sh', '/usr/bin/sh'];

/** Opens the engine at the first use: most hosts never need it. */
export function dockerShells(options: DockerShellOptions): DockerShells {
  return new ShellsOfEngine(options);
}

class ShellsOfEngine implements DockerShells {
  readonly #options: DockerShellOptions;
  readonly #begun: Begun;
  readonly #engine: () => Docker;

  constructor(options: DockerShellOptions) {
    this.#options = options;
    this.#begun = new Begun(options.directory);
    this.#engine = lazy(() => openEngine(options.socketPath));
  }

  async recover(): Promise<void> {
    const { logger } = this.#options;
    try {
      for (const exec of await this.#begun.before()) await this.#end(exec);
    } catch (error) {
      logger.warn('shells of before cannot be looked up', { reason: errorMessage(error) });
    }
  }

  async #end(exec: string): Promise<void> {
    const { clock, logger } = this.#options;
    try {
      await hangUp({ engine: this.#engine(), exec: this.#engine().getExec(exec), clock });
      await this.#begun.remove(exec);
    } catch (error) {
      logger.warn('a program of a shell of before cannot be ended', { exec, reason: errorMessage(error) });
    }
  }

  async start(id: string, request: ShellRequest): Promise<ShellProcess> {
    const { socketPath } = this.#options;
    try {
      const container = this.#engine().getContainer(id);
      const command = request.command.length > 0 ? [...request.command] : [await shellOf(container)];
      const exec = await container.exec(execOptions(command, request));
      await this.#begun.add(exec.id);
      return await this.#begin(exec, request);
    } catch (error) {
      throw startError(error, socketPath);
    }
  }

  async #begin(exec: Docker.Exec, { tty, stdin, size }: ShellRequest): Promise<ShellProcess> {
    const onEnded = () => this.#begun.remove(exec.id);
    try {
      const stream = (await exec.start({ hijack: true, stdin, Tty: tty })) as Duplex;
      const parts = { ...this.#options, engine: this.#engine(), exec, stream, tty, onEnded };
      const process = new DockerProcess(parts);
      // An older engine begins without a size. What is typed comes after it.
      if (size) await process.resize(size);
      return process;
    } catch (error) {
      await onEnded();
      throw error;
    }
  }
}

function execOptions(
  command: string[],
  { tty, stdin, stdout, stderr, term, size }: ShellRequest,
): Docker.ExecCreateOptions & { ConsoleSize?: [number, number] } {
  return {
    Cmd: command,
    Tty: tty,
    AttachStdin: stdin,
    // With a terminal there is one output only.
    AttachStdout: stdout || tty,
    AttachStderr: stderr && !tty,
    ...(tty && term ? { Env: [`TERM=${term}`] } : {}),
    ...(tty && size ? { ConsoleSize: [size.rows, size.columns] } : {}),
  };
}

async function shellOf(container: Docker.Container): Promise<string> {
  for (const path of knownShells) {
    const found = await unless([404], container.infoArchive({ path }));
    // An answer that nobody reads keeps its connection, and the process alive.
    (found as Readable | undefined)?.resume();
    if (found) return path;
  }
  // Of a container that goes, or has gone, there are no files either.
  const { State } = await container.inspect();
  if (!State.Running) throw new RiverError('Conflict', 'its container does not run any more: try again');
  throw new RiverError(
    'BadRequest',
    'there is no shell in it: name a program that is, as in river shell env/NAME -- PROGRAM',
  );
}

function startError(error: unknown, socketPath: string): unknown {
  const status = engineStatus(error);
  if (status !== 404 && status !== 409) return engineError(error, socketPath, hostEngine);
  return new RiverError('Conflict', `no program can be begun in its container now: ${engineMessage(error)}`);
}
