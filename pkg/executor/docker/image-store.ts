import Docker from 'dockerode';
import { errorMessage, type Logger } from '../../base/index.ts';
import { engineError, freeBytes, unless } from '../../engine/index.ts';
import { chainIds, imageTag } from '../../environment/index.ts';
import type {
  ArchivedImage,
  ByteSource,
  ImageStore,
  ImageStoreProbe,
  LoadOptions,
  LoadProgress,
} from '../index.ts';
import { type Archive, archiveBytes, damaged, guarded, readConfig, startOf } from './archive.ts';
import { Layers } from './layers.ts';
import { type LoadMode, probeLoading } from './load-probe.ts';
import { loadFailed, postArchive } from './load-request.ts';
import { answerWithinMs } from './patience.ts';

export interface DockerImageStoreOptions {
  socketPath: string;
  logger: Logger;
}

interface Engine {
  /** Another value: another engine, or another version of it. */
  key: string;
  rootDir: string;
  mode: LoadMode;
}

const probes: Record<LoadMode, ImageStoreProbe> = {
  missingLayers: {
    ready: true,
    reason: 'LoadsMissingLayers',
    message: 'The Docker Engine takes the layers that it lacks alone.',
  },
  wholeFile: {
    ready: true,
    reason: 'LoadsWholeFiles',
    message: 'The Docker Engine takes only whole images: an environment is read in full at each change.',
  },
};

class DockerImageStore implements ImageStore {
  readonly #socketPath: string;
  readonly #logger: Logger;
  readonly #docker: Docker;
  readonly #layers: Layers;
  #engine: Engine | undefined;
  #probing: Promise<Engine> | undefined;

  constructor({ socketPath, logger }: DockerImageStoreOptions) {
    this.#socketPath = socketPath;
    this.#logger = logger;
    // Not for loads, which have a request of their own: those take as long as they take.
    this.#docker = new Docker({ socketPath, timeout: answerWithinMs });
    this.#layers = new Layers(this.#docker);
  }

  async #call<T>(act: (engine: Engine) => Promise<T>): Promise<T> {
    try {
      return await act(this.#engine ?? (await this.#ask()));
    } catch (error) {
      throw engineError(error, this.#socketPath);
    }
  }

  async probe(): Promise<ImageStoreProbe> {
    try {
      const { mode } = await this.#ask();
      return probes[mode];
    } catch (error) {
      const message = errorMessage(engineError(error, this.#socketPath));
      return { ready: false, reason: 'EngineUnreachable', message };
    }
  }

  #ask(): Promise<Engine> {
    this.#probing ??= this.#meet().finally(() => {
      this.#probing = undefined;
    });
    return this.#probing;
  }

  async #meet(): Promise<Engine> {
    const { ID, ServerVersion, Driver, DockerRootDir } = await this.#docker.info();
    const key = [ID, ServerVersion, Driver, DockerRootDir].join(' ');
    if (this.#engine?.key === key) return this.#engine;
    const mode = await probeLoading(this.#docker, this.#socketPath);
    this.#logger.info('the engine was asked how it takes images', { mode, version: ServerVersion });
    this.#engine = { key, rootDir: DockerRootDir, mode };
    return this.#engine;
  }

  async find(name: string, digest: string): Promise<string | undefined> {
    return this.#call(async ({ mode }) => {
      const info = await unless([404], this.#docker.getImage(imageTag(name, digest)).inspect());
      // Where the engine has IDs of its own, the name is all that says which image it is.
      return info && (info.Id === digest || mode === 'wholeFile') ? info.Id : undefined;
    });
  }

  async load(image: ArchivedImage, file: ByteSource, options: LoadOptions): Promise<LoadProgress> {
    return this.#call(async ({ mode }) => {
      const source = guarded(image, file);
      const [config, layers] = await Promise.all([
        readConfig(image, source, options.signal),
        this.#toBring(image, mode),
      ]);
      const id = await this.#send({ image, config, layers }, source, options);
      await this.#check(image, id, mode);
      await this.#name(image, id);
      const { totalBytes, totalLayers } = startOf(layers);
      return { bytes: totalBytes, totalBytes, layers: totalLayers, totalLayers };
    });
  }

  async #toBring(image: ArchivedImage, mode: LoadMode): Promise<Archive['layers']> {
    const present = mode === 'missingLayers' ? await this.#layers.present() : new Set<string>();
    const chain = chainIds(image.layers.map(({ diffId }) => diffId));
    const missing = image.layers.filter((_layer, index) => !present.has(chain[index] ?? ''));
    return [...new Map(missing.map((layer) => [layer.diffId, layer])).values()];
  }

  /** The engine compares each layer with its diff ID, and makes no image when one is another. */
  async #send(archive: Archive, source: ByteSource, options: LoadOptions): Promise<string> {
    try {
      return await postArchive(this.#socketPath, archiveBytes(archive, source, options), options.signal);
    } catch (error) {
      if (!/invalid diffID for layer/.test(errorMessage(error))) throw error;
      throw damaged(
        archive.image,
        `a layer holds other bytes than it should (${errorMessage(error)})`,
        error,
      );
    }
  }

  async #check(image: ArchivedImage, id: string, mode: LoadMode): Promise<void> {
    const { RootFS } = await this.#docker.getImage(id).inspect();
    const sameLayers =
      JSON.stringify(RootFS?.Layers) === JSON.stringify(image.layers.map(({ diffId }) => diffId));
    if (sameLayers && (id === image.digest || mode === 'wholeFile')) return;
    throw loadFailed(`it has made ${id} of what should have become ${image.digest}`);
  }

  async #name(image: ArchivedImage, id: string): Promise<void> {
    const [repo = '', tag = ''] = imageTag(image.name, image.digest).split(':');
    await this.#docker.getImage(id).tag({ repo, tag });
  }

  async remove(name: string, digest: string): Promise<'removed' | 'inUse'> {
    return this.#call(async () => {
      const image = this.#docker.getImage(imageTag(name, digest));
      const removed = await unless(
        [409],
        unless([404], image.remove()).then(() => 'removed' as const),
      );
      return removed ?? 'inUse';
    });
  }

  async freeBytes(): Promise<number | undefined> {
    return this.#call(({ rootDir }) => freeBytes(rootDir));
  }
}

/** Touches nothing before its first use. */
export function dockerImageStore(options: DockerImageStoreOptions): ImageStore {
  return new DockerImageStore(options);
}
