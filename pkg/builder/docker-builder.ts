import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type Docker from 'dockerode';
import { type EnvironmentStepStatus, formatBytes, parseDuration } from '../api/index.ts';
import { type Clock, errorMessage, type Logger, lazy, RiverError } from '../base/index.ts';
import { engineError, freeBytes, hostEngine, isForLackOfRoom, openEngine } from '../engine/index.ts';
import { buildLogHead, imageTag, shortCluster, shortDigest, type Uploads } from '../environment/index.ts';
import { resolveBase } from './images/base.ts';
import { collectImages } from './images/collect.ts';
import { findImage } from './images/engine.ts';
import { nameState } from './images/image-names.ts';
import { labels, stepLabel } from './images/labels.ts';
import { Journal } from './journal.ts';
import { runStep, type StepRequest } from './steps/step-runner.ts';
import { stepKeys, stepTitle } from './steps/steps.ts';
import { publish } from './tarballs/publish.ts';
import { collectTarballs, removePartial } from './tarballs/tarballs.ts';
import type { BuildRequest, BuildResult, EnvironmentBuilder, KeptThings } from './types.ts';

export interface DockerBuilderOptions {
  /** Uid: what other clusters have on the engine and in the directory is left alone. */
  cluster: string;
  socketPath: string;
  /** Of tarballs. */
  directory: string;
  /** The host's own: logs of builds are in it. */
  stateDir: string;
  /** What `copy` takes. */
  uploads: Pick<Uploads, 'file' | 'collect'>;
  /** Layers that no Environment uses stay so long for builds to come. */
  cacheAgeMs: number;
  /** With less free on the engine's disk they go at any age; 0: no floor. */
  minFreeBytes: number;
  clock: Clock;
  logger: Logger;
}

const defaultTimeout = '1h';

class DockerBuilder implements EnvironmentBuilder {
  readonly #options: DockerBuilderOptions;
  readonly #cluster: string;
  readonly #engine: () => Docker;
  /** Under way. Between two steps nothing in the engine shows that a layer is needed. */
  #builds = 0;

  constructor(options: DockerBuilderOptions) {
    this.#options = options;
    this.#cluster = shortCluster(options.cluster);
    this.#engine = lazy(() => openEngine(options.socketPath));
  }

  recover(): Promise<void> {
    const { directory, clock } = this.#options;
    return removePartial({ directory, cluster: this.#cluster }, clock.now());
  }

  logFile(name: string): string {
    return join(this.#options.stateDir, 'builds', `${name}.log`);
  }

  forget(name: string): Promise<void> {
    return rm(this.logFile(name), { force: true });
  }

  async build(request: BuildRequest): Promise<BuildResult> {
    const { timeout = defaultTimeout } = request.spec.limits ?? {};
    const limit = new AbortController();
    const timer = this.#options.clock.after(parseDuration(timeout), () => limit.abort(), { unref: true });
    const log = this.#openLog(request.name);
    const journal = new Journal(log.write);
    const signal = AbortSignal.any([request.signal, limit.signal]);
    this.#builds += 1;
    try {
      return await this.#build({ ...request, signal }, journal);
    } catch (error) {
      const cause = limit.signal.aborted
        ? new RiverError('Invalid', journal.ended(`was ended: the build took ${timeout}, its limits.timeout`))
        : engineError(error, this.#options.socketPath, hostEngine);
      log.write(`${errorMessage(cause)}\n`);
      if (!(cause instanceof RiverError) && !signal.aborted)
        this.#options.logger.error('a build failed unexpectedly', {
          environment: request.name,
          error: cause,
        });
      throw cause;
    } finally {
      this.#builds -= 1;
      timer.cancel();
      log.close();
    }
  }

  async #build(request: BuildRequest, journal: Journal): Promise<BuildResult> {
    const { name, spec, parent, signal, onProgress } = request;
    const { directory, uploads } = this.#options;
    const cluster = this.#cluster;
    const { output } = journal;
    const engine = this.#engine();
    onProgress({ phase: 'Building', text: 'base' });
    journal.begin('the search for its base');
    const base = await resolveBase({ engine, cluster, directory, uploads, signal, output }, spec, parent);
    const { image, steps } = await this.#runSteps(request, base, journal);
    signal.throwIfAborted();
    const inspected = await findImage(engine, image);
    if (!inspected)
      throw new RiverError(
        'ServiceUnavailable',
        `the image ${image} is gone from the engine; it is built again`,
      );
    const { Id: imageId, Size: imageSize } = inspected;
    await nameState(engine, cluster, imageId, { name, digest: imageId });
    onProgress({ phase: 'Publishing' });
    journal.begin('its publishing', 'publishing');
    const { digest, tarball } = await publish(
      engine,
      { directory, cluster },
      {
        name,
        imageId,
        spec,
        builtAt: request.builtAt,
        ...(parent ? { parentDigest: parent.digest } : {}),
        imageSize,
        signal,
        onBytes: (bytes) =>
          onProgress({ phase: 'Publishing', text: `${formatBytes(bytes)} of ${formatBytes(imageSize)}` }),
      },
    );
    output(`published ${tarball.path}, ${formatBytes(tarball.size)}\n`);
    return { digest, image: imageTag(name, digest), steps, tarball };
  }

  async #runSteps(
    { spec, signal, onProgress }: BuildRequest,
    base: string,
    journal: Journal,
  ): Promise<{ image: string; steps: EnvironmentStepStatus[] }> {
    const engine = this.#engine();
    const wanted = spec.steps ?? [];
    const keys = stepKeys(base, spec);
    const steps: EnvironmentStepStatus[] = [];
    let image = base;
    for (const [index, step] of wanted.entries()) {
      signal.throwIfAborted();
      const place = `step ${index + 1}/${wanted.length}`;
      const title = stepTitle(step);
      onProgress({ phase: 'Building', text: `${place}: ${title}` });
      const key = keys[index] ?? '';
      const known = await cachedLayer(engine, this.#cluster, key);
      const label = stepLabel(this.#cluster, key);
      journal.begin(`${place} (${title})`, `${place}: ${title}${known ? ' (as before)' : ''}`);
      const upload = step.copy && this.#options.uploads.file(step.copy.sha256 ?? '');
      image =
        known?.Id ??
        (await this.#runStep(journal, { from: image, step, label, limits: spec.limits, signal, upload }));
      steps.push({ step: title, size: await stepSize(engine, image), cached: known !== undefined });
    }
    return { image, steps };
  }

  async #runStep(journal: Journal, request: Omit<StepRequest, 'output'>): Promise<string> {
    const { image, failure } = await runStep(this.#engine(), { ...request, output: journal.output });
    if (image !== undefined && !failure) return image;
    if (request.signal.aborted) throw request.signal.reason;
    const { exitCode, message = 'the engine said nothing of it' } = failure ?? {};
    if (exitCode !== undefined)
      throw new RiverError('Invalid', journal.ended(`ended with exit code ${exitCode}`));
    const code = isForLackOfRoom(message) ? 'ServiceUnavailable' : 'Invalid';
    throw new RiverError(code, journal.ended(`was refused by the engine: ${message}`));
  }

  async collect({ states, isBusy, uploads }: KeptThings): Promise<void> {
    const { directory, cacheAgeMs, minFreeBytes, clock, socketPath, logger } = this.#options;
    const cluster = this.#cluster;
    const names = new Set(states.map(({ name, digest }) => `${name}:${shortDigest(digest)}`));
    const isKnown = (name: string, short: string) => names.has(`${name}:${short}`);
    const isKept = (name: string, short: string) => isBusy(name) || isKnown(name, short);
    await this.#options.uploads.collect(uploads);
    await collectTarballs({ directory, cluster }, { states, isKept });
    try {
      await collectImages(this.#engine(), {
        ...{ cluster, isKept, isKnown },
        before: clock.now() - cacheAgeMs,
        isTight: async () =>
          this.#builds === 0 && minFreeBytes > 0 && (await this.#freeBytes()) < minFreeBytes,
        logger,
      });
    } catch (error) {
      throw engineError(error, socketPath, hostEngine);
    }
  }

  /** On the disk of the engine; without end where the host cannot see that. */
  async #freeBytes(): Promise<number> {
    const { DockerRootDir } = (await this.#engine().info()) as { DockerRootDir?: string };
    return (await freeBytes(DockerRootDir)) ?? Number.POSITIVE_INFINITY;
  }

  /** Begun anew with each build. Written at once: it is there also when the host is killed. */
  #openLog(name: string): { write(text: string): void; close(): void } {
    const file = this.logFile(name);
    mkdirSync(join(this.#options.stateDir, 'builds'), { recursive: true, mode: 0o700 });
    const descriptor = openSync(file, 'w', 0o600);
    const write = (text: string) => void writeSync(descriptor, text);
    write(buildLogHead(this.#options.clock.now()));
    return { write, close: () => closeSync(descriptor) };
  }
}

/**
 * What is built on a layer has its label until it gets its own: the layer itself is the one that stands on none of
 * the others, and the oldest of these.
 */
async function layerWith(engine: Docker, label: string): Promise<Docker.ImageInfo | undefined> {
  const found = await engine.listImages({ all: true, filters: { label: [`${labels.step}=${label}`] } });
  const ids = new Set(found.map(({ Id }) => Id));
  return found
    .filter(({ ParentId }) => !ids.has(ParentId))
    .sort((left, right) => left.Created - right.Created)[0];
}

/** Of this cluster, or of a River that did not say whose its layers are. */
async function cachedLayer(
  engine: Docker,
  cluster: string,
  key: string,
): Promise<Docker.ImageInfo | undefined> {
  return (await layerWith(engine, stepLabel(cluster, key))) ?? layerWith(engine, key);
}

/** The label of a step is an image of its own, on the one that its instruction has made. */
async function stepSize(engine: Docker, image: string): Promise<number> {
  const history = (await engine.getImage(image).history()) as { Size?: number }[];
  return history.slice(0, 2).reduce((sum, { Size = 0 }) => sum + Size, 0);
}

/** Touches nothing before its first use. */
export function dockerBuilder(options: DockerBuilderOptions): EnvironmentBuilder {
  return new DockerBuilder(options);
}
