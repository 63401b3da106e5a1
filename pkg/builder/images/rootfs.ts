import { createReadStream } from 'node:fs';
import type Docker from 'dockerode';
import { RiverError } from '../../base/index.ts';
import { engineMessage, isForLackOfRoom, isRefusal } from '../../engine/index.ts';
import { findImage, finished } from './engine.ts';
import { readable } from './host-file.ts';
import { nameBase, readBaseName } from './image-names.ts';
import { labels } from './labels.ts';

interface ImportParts {
  engine: Docker;
  cluster: string;
  signal?: AbortSignal;
  output(text: string): void;
}

/** The same file is imported once: an import has the time in it, and would be another image each time. */
export async function imported(
  { engine, cluster, signal, output }: ImportParts,
  file: string,
): Promise<string> {
  const { size, mtimeMs, ino } = await readable(file);
  const key = `${file}:${size}:${mtimeMs}:${ino}`;
  const known = await importOf(engine, key);
  if (known !== undefined) {
    await nameBase(engine, cluster, known);
    return known;
  }
  output(`importing ${file}\n`);
  const changes = `LABEL ${labels.rootfs}=${JSON.stringify(key)}`;
  try {
    const stream = await engine.importImage(createReadStream(file), {
      changes,
      abortSignal: signal,
    } as object);
    const lines = await finished(engine, stream);
    const id = lines.map(({ status }) => status ?? '').find((status) => status.startsWith('sha256:'));
    if (id !== undefined) {
      await nameBase(engine, cluster, id);
      return id;
    }
  } catch (error) {
    if (!isRefusal(error) || isForLackOfRoom(engineMessage(error))) throw error;
    throw notImported(file, engineMessage(error));
  }
  throw notImported(file, 'it says nothing of an image');
}

function notImported(file: string, why: string): RiverError {
  return new RiverError(
    'Invalid',
    `the engine could not import ${file} as a root file system: ${why}. Make one as in: debootstrap --variant=minbase stable root && tar -C root -cf root.tar .`,
  );
}

/** All that was made on it has its label too, but more layers, or the label of a step. */
async function importOf(engine: Docker, key: string): Promise<string | undefined> {
  const found = await engine.listImages({ all: true, filters: { label: [`${labels.rootfs}=${key}`] } });
  for (const { Id, Labels, RepoTags } of found) {
    // Some engines keep what they could not import; it never got its name.
    if (Labels?.[labels.step] !== undefined || !RepoTags?.some(readBaseName)) continue;
    if ((await findImage(engine, Id))?.RootFS?.Layers?.length === 1) return Id;
  }
  return undefined;
}
