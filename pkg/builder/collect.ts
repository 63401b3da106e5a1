import type Docker from 'dockerode';
import type { Logger } from '../base/index.ts';
import { engineMessage, engineStatus } from '../engine/index.ts';
import { findImage } from './engine.ts';
import { labels, ownBaseName } from './labels.ts';

export interface CollectOptions {
  isKept(name: string, shortDigest: string): boolean;
  /** Layers without a use that are older, milliseconds since the epoch. */
  before: number;
  /** Whether the engine's disk has less room than it should: then they go at any age. */
  isTight(): Promise<boolean>;
  logger: Logger;
}

const ownTag = /^river\/(.+):([0-9a-f]{12})$/;

/**
 * Takes away tags of states that are not kept, then old layers that nothing stands on, and while the disk is tight also
 * younger ones; so do images that were brought to build on. The engine itself refuses to remove what a container or another image uses; what river has not made has
 * neither such a tag nor such a label.
 */
export async function collectImages(engine: Docker, options: CollectOptions): Promise<void> {
  const { isKept, before, isTight, logger } = options;
  const remove = async (reference: string): Promise<boolean> => {
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
  const tags = (await engine.listImages()).flatMap((image) => image.RepoTags ?? []);
  for (const tag of tags) {
    const [, name, short] = ownTag.exec(tag) ?? [];
    if (name !== undefined && short !== undefined && !isKept(name, short)) await remove(tag);
  }
  // What a layer stood on is free to go once it is gone: hence rounds.
  for (let removed = true; removed; ) {
    removed = false;
    for (const { Id, Created } of await unusedLayers(engine))
      if (Created * 1000 < before || (await isTight())) removed = (await remove(Id)) || removed;
  }
  for (const tag of tags.filter((each) => ownBaseName.test(each))) {
    const found = await findImage(engine, tag);
    const namedAt = found === undefined ? 0 : namedAtOf(found);
    // By its ID: the engine refuses that for what has another name or something built on it.
    if (found && (namedAt < before || (await isTight()))) await remove(found.Id);
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
