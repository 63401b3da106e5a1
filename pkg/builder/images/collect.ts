import type Docker from 'dockerode';
import type { Logger } from '../../base/index.ts';
import { engineMessage, engineStatus, unless } from '../../engine/index.ts';
import { imageTag } from '../../environment/index.ts';
import { findImage, nameImage } from './engine.ts';
import { markTag, readBaseName, readMark, readStateTag } from './image-names.ts';
import { clusterOfStep, labels } from './labels.ts';

export interface CollectOptions {
  /** Of this host: what is another's stays. */
  cluster: string;
  isKept(name: string, shortDigest: string): boolean;
  /** Whether the store of this host knows it: then it is this host's, also without a mark. */
  isKnown(name: string, shortDigest: string): boolean;
  /** Layers without a use that are older, milliseconds since the epoch. */
  before: number;
  /** Whether the engine's disk has less room than it should: then they go at any age. */
  isTight(): Promise<boolean>;
  logger: Logger;
}

/** Answers whether it is gone. */
type Remove = (reference: string) => Promise<boolean>;

/**
 * Takes away states of this cluster that are not kept, then old layers of it that nothing stands on, and while the disk is
 * tight also younger ones; so do images that were brought to build on. The engine itself refuses to remove what a
 * container or another image uses; what river has not made has neither such a name nor such a label.
 */
export async function collectImages(engine: Docker, options: CollectOptions): Promise<void> {
  const remove = remover(engine, options.logger);
  const images = await engine.listImages();
  await collectStates(engine, images, options, remove);
  await collectLayers(engine, options, remove);
  await collectBases(engine, images, options, remove);
}

function remover(engine: Docker, logger: Logger): Remove {
  const remove: Remove = async (reference) => {
    try {
      const below = await bareLayerOf(engine, reference);
      await engine.getImage(reference).remove({ noprune: true });
      logger.info('an image that nothing needs was removed', { image: reference });
      if (below !== undefined) await remove(below);
      return true;
    } catch (error) {
      if (engineStatus(error) !== 404 && engineStatus(error) !== 409) throw error;
      logger.debug('an image is still used', { image: reference, reason: engineMessage(error) });
      return false;
    }
  };
  return remove;
}

/** The name that all know goes with the last mark. What is known and has none was made before there were marks. */
async function collectStates(
  engine: Docker,
  images: readonly Docker.ImageInfo[],
  { cluster, isKept, isKnown }: CollectOptions,
  remove: Remove,
): Promise<void> {
  const ids = new Map(
    images.flatMap(({ Id, RepoTags }) => (RepoTags ?? []).map((tag) => [tag, Id] as const)),
  );
  const marks = [...ids.keys()].flatMap((tag) => readMark(tag) ?? []);
  for (const [tag, id] of ids) {
    const { name, short } = readStateTag(tag) ?? {};
    if (name === undefined || short === undefined || !isKnown(name, short)) continue;
    const mark = markTag(cluster, name, short);
    if (!ids.has(mark)) await unless([404], nameImage(engine, id, mark));
  }
  for (const { name, short } of marks.filter((mark) => mark.cluster === cluster)) {
    if (isKept(name, short)) continue;
    const isOthersToo = marks.some(
      (mark) => mark.cluster !== cluster && mark.name === name && mark.short === short,
    );
    const tag = imageTag(name, short);
    if (!isOthersToo && ids.has(tag)) await remove(tag);
    await remove(markTag(cluster, name, short));
  }
}

/** What a layer stood on is free to go once it is gone: hence rounds. */
async function collectLayers(
  engine: Docker,
  { cluster, before, isTight }: CollectOptions,
  remove: Remove,
): Promise<void> {
  for (let removed = true; removed; ) {
    removed = false;
    for (const { Id, Created, Labels } of await unusedLayers(engine)) {
      const owner = clusterOfStep(Labels[labels.step] ?? '');
      if (owner !== undefined && owner !== cluster) continue;
      const isOld = Created * 1000 < before;
      if (isOld || (owner === cluster && (await isTight()))) removed = (await remove(Id)) || removed;
    }
  }
}

async function collectBases(
  engine: Docker,
  images: readonly Docker.ImageInfo[],
  { cluster, before, isTight }: CollectOptions,
  remove: Remove,
): Promise<void> {
  for (const { RepoTags } of images) {
    const names = (RepoTags ?? []).flatMap((tag) => readBaseName(tag) ?? []);
    const own = names.find((name) => name.cluster === cluster);
    const name = own ?? names.find((each) => each.cluster === undefined);
    const found = name && (await findImage(engine, name.tag));
    if (!name || !found) continue;
    if (namedAtOf(found) >= before && !(own && (await isTight()))) continue;
    const isOthersToo = names.some((each) => each.cluster !== undefined && each !== own);
    // By its ID: the engine refuses that for what has another name or something built on it.
    if (!isOthersToo) await remove(found.Id);
    else if (own) await remove(own.tag);
  }
}

function namedAtOf(image: Docker.ImageInspectInfo): number {
  const { Metadata } = image as { Metadata?: { LastTagTime?: string } };
  return Date.parse(Metadata?.LastTagTime ?? '') || 0;
}

/**
 * A step is two images: what the instruction has made, and on it the one with the label. The lower one of a first step has
 * no label at all, and nobody would find it once the other is gone.
 */
async function bareLayerOf(engine: Docker, reference: string): Promise<string | undefined> {
  const upper = await findImage(engine, reference);
  if (!upper?.Parent) return undefined;
  const [made] = (await engine.getImage(upper.Id).history()) as { CreatedBy?: string }[];
  if (!made?.CreatedBy?.includes(`LABEL ${labels.step}=`)) return undefined;
  const lower = await findImage(engine, upper.Parent);
  if (!lower || lower.RepoTags?.length || lower.Config?.Labels?.[labels.step] !== undefined) return undefined;
  return lower.Id;
}

/** The oldest first. */
async function unusedLayers(engine: Docker): Promise<Docker.ImageInfo[]> {
  const found = await engine.listImages({ filters: { dangling: ['true'], label: [labels.step] } });
  return found.sort((left, right) => left.Created - right.Created);
}
