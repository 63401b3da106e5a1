import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { RiverError } from '../../base/index.ts';
import { type ImageLayout, readImageLayout, tarEnd, tarHeader, tarPadding } from '../../environment/index.ts';
import { findImage, finished } from './engine.ts';
import { readable } from './host-file.ts';
import { readBaseName } from './image-names.ts';

export interface LoadParts {
  engine: Docker;
  /** Whose the names are that images are given. */
  cluster: string;
  signal?: AbortSignal;
  output(text: string): void;
}

interface Names {
  /** For the output. */
  what: string;
  /** Gives it its name: an image that the engine had not before, or that some host has brought there to build on. */
  named(id: string): Promise<void>;
}

/**
 * The engine has it, or is given it; that it is one image is seen before the engine reads any of it. The names in the
 * file stay out: one that the engine has already would be another image from then on.
 */
export async function loaded(parts: LoadParts, file: string, { what, named }: Names): Promise<string> {
  await readable(file);
  const layout = await readImageLayout(file);
  const present = await findImage(parts.engine, layout.digest);
  if (present) {
    if (present.RepoTags?.some(readBaseName)) await named(present.Id);
    return layout.digest;
  }
  parts.output(`loading ${what}\n`);
  const id = await send(parts, file, layout);
  const image = id === undefined ? undefined : await findImage(parts.engine, id);
  const wanted = layout.layers.map(({ diffId }) => diffId);
  if (!image || JSON.stringify(image.RootFS?.Layers) !== JSON.stringify(wanted))
    throw new RiverError('Invalid', `the engine has read ${file} and made ${id ?? 'no image'} of it`);
  await named(image.Id);
  return image.Id;
}

/** Answers what the engine calls it. */
async function send(
  { engine, signal }: LoadParts,
  file: string,
  layout: ImageLayout,
): Promise<string | undefined> {
  const bytes = Readable.from(withoutNames(file, layout), { objectMode: false });
  try {
    const lines = await finished(engine, await engine.loadImage(bytes, { quiet: true, abortSignal: signal }));
    return /sha256:[0-9a-f]{64}/.exec(lines.map(({ stream = '' }) => stream).join(''))?.[0];
  } finally {
    // What an engine has refused half way is read no further.
    bytes.destroy();
  }
}

async function* withoutNames(file: string, layout: ImageLayout): AsyncGenerator<Uint8Array> {
  const { configPath, layers } = layout;
  const manifest = [{ Config: configPath, RepoTags: null, Layers: layers.map(({ path }) => path) }];
  const content = Buffer.from(JSON.stringify(manifest));
  const header = (path: string, size: number) => tarHeader({ path, size, mode: 0o644, type: 'file' });
  yield Buffer.concat([header('manifest.json', content.length), content, tarPadding(content.length)]);
  const config = layout.entries.filter(({ path }) => path === configPath);
  for (const { path, offset, size } of new Map(
    [...config, ...layers].map((each) => [each.path, each]),
  ).values()) {
    yield header(path, size);
    if (size > 0) yield* createReadStream(file, { start: offset, end: offset + size - 1 });
    yield tarPadding(size);
  }
  yield tarEnd;
}
