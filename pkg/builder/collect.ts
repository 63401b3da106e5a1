import type Docker from 'dockerode';
import type { Logger } from '../base/index.ts';
import { engineWords, statusOf } from './engine.ts';
import { labels } from './labels.ts';

export interface CollectOptions {
  isKept(name: string, shortDigest: string): boolean;
  /** Layers without a use that are older, milliseconds since the epoch. */
  before: number;
  logger: Logger;
}

const ownTag = /^river\/(.+):([0-9a-f]{12})$/;

/**
 * Takes away tags of states that are not kept, then old layers that nothing stands on. The engine itself refuses to
 * remove what a container or another image uses; what river has not made has neither such a tag nor such a label.
 */
export async function collectImages(
  engine: Docker,
  { isKept, before, logger }: CollectOptions,
): Promise<void> {
  const remove = async (reference: string) => {
    try {
      await engine.getImage(reference).remove({ noprune: true });
      logger.info('an image that nothing needs was removed', { image: reference });
    } catch (error) {
      if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
      logger.debug('an image is still used', { image: reference, reason: engineWords(error) });
    }
  };
  const tags = (await engine.listImages()).flatMap((image) => image.RepoTags ?? []);
  for (const tag of tags) {
    const [, name, short] = ownTag.exec(tag) ?? [];
    if (name !== undefined && short !== undefined && !isKept(name, short)) await remove(tag);
  }
  const layers = await engine.listImages({ filters: { dangling: ['true'], label: [labels.step] } });
  for (const { Id, Created } of layers) if (Created * 1000 < before) await remove(Id);
}
