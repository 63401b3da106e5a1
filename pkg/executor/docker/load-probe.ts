import type Docker from 'dockerode';
import { unless } from '../../engine/index.ts';
import { sha256 } from './archive.ts';
import { postArchive } from './load-request.ts';
import { smallTar } from './tar.ts';

/** How an engine takes images. */
export type LoadMode = 'missingLayers' | 'wholeFile';

interface TinyImage {
  id: string;
  config: Buffer;
  layers: Buffer[];
}

/** Nothing in them depends on time or machine: what a killed runner has left is found again under the same IDs. */
function tinyImage(names: readonly string[]): TinyImage {
  const layers = names.map((name) => smallTar({ [name]: Buffer.from(`${name}\n`) }));
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { 'river.dev/probe': 'true' } },
    rootfs: { type: 'layers', diff_ids: layers.map(sha256) },
  };
  const bytes = Buffer.from(JSON.stringify(config));
  return { id: sha256(bytes), config: bytes, layers };
}

const paths = (image: TinyImage) => image.layers.map((layer) => `${sha256(layer).slice(7)}/layer.tar`);

/** A `docker load` file of it with the layers that `holds` names. */
function archiveOf(image: TinyImage, holds: (index: number) => boolean): Buffer {
  const config = `${image.id.slice(7)}.json`;
  const layerPaths = paths(image);
  const manifest = [{ Config: config, RepoTags: null, Layers: layerPaths }];
  const files: Record<string, Buffer> = {
    'manifest.json': Buffer.from(JSON.stringify(manifest)),
    [config]: image.config,
  };
  image.layers.forEach((layer, index) => {
    const path = layerPaths[index];
    if (path !== undefined && holds(index)) files[path] = layer;
  });
  return smallTar(files);
}

const base = tinyImage(['river-probe-1', 'river-probe-2']);
const above = tinyImage(['river-probe-1', 'river-probe-3']);

/**
 * Whether the engine takes a file that lacks the layers that it has: tried with two images of a few bytes, which are
 * gone afterwards. An engine that only says so, or gives the image another ID, gets whole files.
 */
export async function probeLoading(engine: Docker, socketPath: string): Promise<LoadMode> {
  const signal = AbortSignal.timeout(60_000);
  const post = async (bytes: Buffer) => postArchive(socketPath, iterate(bytes), signal);
  const made = new Set([base.id, above.id]);
  try {
    const first = await post(archiveOf(base, () => true));
    made.add(first);
    if (first !== base.id) return 'wholeFile';
    const second = await post(archiveOf(above, (index) => index > 0)).catch(() => undefined);
    if (second === undefined) return 'wholeFile';
    made.add(second);
    return second === above.id && (await isWhole(engine)) ? 'missingLayers' : 'wholeFile';
  } finally {
    for (const id of made) await unless([404], engine.getImage(id).remove()).catch(() => {});
  }
}

async function isWhole(engine: Docker): Promise<boolean> {
  const info = await unless([404], engine.getImage(above.id).inspect());
  return JSON.stringify(info?.RootFS?.Layers) === JSON.stringify(above.layers.map(sha256));
}

async function* iterate(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
