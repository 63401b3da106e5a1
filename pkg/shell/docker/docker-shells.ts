import { createRequire } from 'node:module';
import type { Duplex, Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type Clock, type Logger, RiverError } from '../../base/index.ts';
import { engineMessage, engineStatus, toRiverError, unless } from '../../engine/index.ts';
import type { ContainerShells, ShellProcess, ShellRequest } from '../index.ts';
import { DockerProcess } from './docker-process.ts';

export interface DockerShellOptions {
  socketPath: string;
  clock: Clock;
  logger: Logger;
}

/** The first that an image has is its shell: the one that people know better comes first. */
const knownShells = ['/bin/bash', '/usr/bin/bash', '/bin/sh', '/usr/bin/sh'];

/** Opens the engine at the first use: most hosts never need it. */
export function dockerShells(options: DockerShellOptions): ContainerShells {
  return new DockerShells(options);
}

class DockerShells implements ContainerShells {
  readonly #options: DockerShellOptions;
  #engine: Docker | undefined;

  constructor(options: DockerShellOptions) {
    this.#options = options;
  }

  async start(id: string, request: ShellRequest): Promise<ShellProcess> {
    const { socketPath } = this.#options;
    try {
      this.#engine ??= openEngine(socketPath);
      const container = this.#engine.getContainer(id);
      const command = request.command.length > 0 ? [...request.command] : [await shellOf(container)];
      const exec = await container.exec(execOptions(command, request));
      const { tty, stdin } = request;
      const stream = (await exec.start({ hijack: true, stdin, Tty: tty })) as Duplex;
      const process = new DockerProcess({ ...this.#options, container, exec, stream, tty });
      // An older engine begins without a size. What is typed comes after it.
      if (request.size) await process.resize(request.size);
      return process;
    } catch (error) {
      throw startError(error, socketPath);
    }
  }
}

function openEngine(socketPath: string): Docker {
  const Engine = createRequire(import.meta.url)('dockerode') as typeof import('dockerode');
  return new Engine({ socketPath });
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
  throw new RiverError(
    'BadRequest',
    'there is no shell in it: name a program that is, as in river shell env/NAME -- PROGRAM',
  );
}

function startError(error: unknown, socketPath: string): RiverError {
  const status = engineStatus(error);
  if (status !== 404 && status !== 409) return toRiverError(error, socketPath);
  return new RiverError('Conflict', `no program can be begun in its container now: ${engineMessage(error)}`);
}
