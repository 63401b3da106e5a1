import type { Readable } from 'node:stream';
import type Docker from 'dockerode';
import type { ContainerChanges } from '../../api/index.ts';
import { type Clock, type Logger, lazy, RiverError, type Rng } from '../../base/index.ts';
import { engineError, engineStatus, hostEngine, openEngine, unless } from '../../engine/index.ts';
import { imageTag, shortCluster } from '../../environment/index.ts';
import { imageOfDigest } from '../images/base.ts';
import { findImage } from '../images/engine.ts';
import { countChanges } from './changes.ts';
import { commitContainer, imageOf } from './commit.ts';
import { createOptions, idleProcesses, limitOptions, limitsOf, neededFiles } from './create-options.ts';
import { followContainers } from './events.ts';
import { committedLabels, containerName, ownerOf } from './identity.ts';
import type {
  CommitRequest,
  CommitResult,
  ContainerLimits,
  ContainerState,
  EnvironmentContainers,
} from './types.ts';

export interface DockerContainersOptions {
  socketPath: string;
  /** Of tarballs. */
  directory: string;
  /** Uid of the cluster: containers of another one are left alone. */
  host: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
}

/** For what is in it to end; its own program does at once. */
const stopSeconds = 10;

class DockerContainers implements EnvironmentContainers {
  readonly #options: DockerContainersOptions;
  readonly #cluster: string;
  readonly #engine: () => Docker;

  constructor(options: DockerContainersOptions) {
    this.#options = options;
    this.#cluster = shortCluster(options.host);
    this.#engine = lazy(() => openEngine(options.socketPath));
  }

  find(name: string): Promise<ContainerState | undefined> {
    return this.#asked(async () => {
      const found = await unless([404], this.#container(name).inspect());
      if (!found) return undefined;
      const owner = ownerOf(found.Config.Labels, this.#options.host);
      if (owner?.environment !== name) throw taken(name);
      const { Running, StartedAt, FinishedAt } = found.State;
      const wasStarted = !StartedAt.startsWith('0001');
      const stopped = wasStarted ? FinishedAt : found.Created;
      return {
        id: found.Id,
        name: containerName(name),
        running: Running,
        since: new Date(Running ? StartedAt : stopped).toISOString(),
        digest: owner.digest,
        inUse: Running && (await this.#isInUse(name, found.ExecIDs ?? [])),
        limits: limitsOf(found.HostConfig),
      };
    });
  }

  /** By the number of its processes; where the kernel counts none, by what was begun through the engine. */
  async #isInUse(name: string, begun: readonly string[]): Promise<boolean> {
    const stats = await unless([404], this.#container(name).stats({ stream: false, 'one-shot': true }));
    const processes = stats?.pids_stats?.current;
    return processes === undefined ? begun.length > 0 : processes > idleProcesses;
  }

  create(name: string, digest: string, limits: ContainerLimits): Promise<void> {
    return this.#asked(async () => {
      const { directory, host, logger } = this.#options;
      const cluster = this.#cluster;
      const output = (text: string) => logger.info('an environment is loaded', { environment: name, text });
      const engine = this.#engine();
      const image = await imageOfDigest({ engine, cluster, directory, output }, { name, digest });
      try {
        await engine.createContainer(createOptions({ host, name, digest, image, limits }));
      } catch (error) {
        if (engineStatus(error) === 409) return;
        throw error;
      }
      await this.#refuseBare(name, digest);
    });
  }

  /** Looked at before it is started: what cannot run in it would only begin and end, again and again. */
  async #refuseBare(name: string, digest: string): Promise<void> {
    for (const paths of neededFiles) {
      const found = await Promise.all(paths.map((path) => this.#holds(name, path)));
      if (found.includes(true)) continue;
      await this.#container(name).remove({ force: true });
      throw new RiverError(
        'Invalid',
        `${imageTag(name, digest)} has no ${paths[0]}, which a working container needs: add it by a step, or leave out interactive`,
      );
    }
  }

  async #holds(name: string, path: string): Promise<boolean> {
    const answer = await unless([404], this.#container(name).infoArchive({ path }));
    // One that nobody reads keeps its connection, and this process alive.
    (answer as Readable | undefined)?.resume();
    return answer !== undefined;
  }

  start(name: string): Promise<void> {
    return this.#asked(async () => {
      await unless([304], this.#container(name).start());
    });
  }

  stop(name: string): Promise<void> {
    return this.#asked(async () => {
      await unless([304], this.#container(name).stop({ t: stopSeconds }));
    });
  }

  limit(name: string, limits: ContainerLimits): Promise<void> {
    return this.#asked(async () => {
      await this.#container(name).update(limitOptions(limits));
    });
  }

  remove(name: string): Promise<void> {
    return this.#asked(async () => {
      await unless([404], this.#container(name).remove({ force: true, v: true }));
    });
  }

  changes(name: string): Promise<ContainerChanges> {
    return this.#asked(async () => countChanges(await this.#container(name).changes()));
  }

  /** What is the same in it is the same layer: an image of it shows that, and goes again. */
  isCommitted(name: string, digest: string): Promise<boolean> {
    return this.#asked(async () => {
      // By its name: not every engine knows it by its digest.
      const committed = await findImage(this.#engine(), imageTag(name, digest));
      if (!committed) return false;
      const id = await imageOf(this.#engine(), name, committedLabels(this.#cluster, 'none'));
      const now = await findImage(this.#engine(), id);
      await unless([404], this.#engine().getImage(id).remove({ noprune: true }));
      return now?.RootFS.Layers?.join() === committed.RootFS.Layers?.join();
    });
  }

  commit(request: CommitRequest): Promise<CommitResult> {
    const place = { directory: this.#options.directory, cluster: this.#cluster };
    return this.#asked(() => commitContainer(this.#engine(), place, request));
  }

  follow(onChange: (name?: string) => void): { close(): void } {
    return followContainers({ ...this.#options, engine: this.#engine(), onChange });
  }

  #container(name: string): Docker.Container {
    return this.#engine().getContainer(containerName(name));
  }

  async #asked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw engineError(error, this.#options.socketPath, hostEngine);
    }
  }
}

function taken(name: string): RiverError {
  return new RiverError(
    'Conflict',
    `the engine of the host has a container ${containerName(name)} that is not of this host: rename or remove that one`,
  );
}

/** Touches nothing before its first use. */
export function dockerContainers(options: DockerContainersOptions): EnvironmentContainers {
  return new DockerContainers(options);
}
