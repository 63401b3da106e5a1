import { createHash, type Hash, randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { indexTarball, type TarballIndex, writeTarballIndex } from '../../pkg/environment/index.ts';
import { tarEnd, tarHeader, tarPadding } from '../../pkg/executor/docker/tar.ts';

const pieceBytes = 4 * 1024 * 1024;

/** A layer of one file that no compression makes smaller; the same seed is the same bytes. */
export interface LayerPlan {
  seed: Buffer;
  bytes: number;
}

export const layerPlan = (bytes: number): LayerPlan => ({ seed: randomBytes(pieceBytes), bytes });

/** What the seed gives, each piece another one. */
function* contentOf({ seed, bytes }: LayerPlan): Generator<Buffer> {
  const piece = Buffer.from(seed);
  for (let done = 0; done < bytes; done += pieceBytes) {
    piece.writeUInt32BE(done / pieceBytes, 0);
    yield Buffer.from(piece.subarray(0, Math.min(pieceBytes, bytes - done)));
  }
}

function* layerBytes(plan: LayerPlan): Generator<Buffer> {
  yield tarHeader(`${plan.seed.toString('hex', 0, 8)}.bin`, plan.bytes);
  yield* contentOf(plan);
  yield tarPadding(plan.bytes);
  yield tarEnd;
}

function measured(plan: LayerPlan): { diffId: string; size: number } {
  const hash: Hash = createHash('sha256');
  let size = 0;
  for (const piece of layerBytes(plan)) {
    hash.update(piece);
    size += piece.length;
  }
  return { diffId: `sha256:${hash.digest('hex')}`, size };
}

/** Writes a `docker load` file of these layers, and its index beside it. */
export async function writeTarball(
  files: (digest: string) => { tarball: string; index: string },
  name: string,
  plans: readonly LayerPlan[],
): Promise<TarballIndex> {
  const layers = plans.map((plan) => ({ plan, ...measured(plan) }));
  const config = Buffer.from(
    JSON.stringify({
      ...{ architecture: 'amd64', os: 'linux', config: {} },
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
    }),
  );
  const digest = createHash('sha256').update(config).digest('hex');
  const path = ({ diffId }: { diffId: string }) => `${diffId.slice(7)}/layer.tar`;
  const manifest = [{ Config: `${digest}.json`, RepoTags: null, Layers: layers.map(path) }];
  const { tarball, index } = files(`sha256:${digest}`);
  const file = await open(tarball, 'w');
  try {
    await writeEntry(file, 'manifest.json', [Buffer.from(JSON.stringify(manifest))]);
    await writeEntry(file, `${digest}.json`, [config]);
    for (const layer of layers) await writeEntry(file, path(layer), layerBytes(layer.plan), layer.size);
    await file.write(tarEnd);
  } finally {
    await file.close();
  }
  const spec = { from: { image: 'scratch' } };
  const found = await indexTarball(tarball, { name, builtAt: '2026-01-01T00:00:00Z', spec });
  await writeTarballIndex(index, found);
  return found;
}

async function writeEntry(file: FileHandle, path: string, pieces: Iterable<Buffer>, known?: number) {
  const all = known === undefined ? [...pieces] : pieces;
  const size = known ?? (all as Buffer[]).reduce((sum, { length }) => sum + length, 0);
  await file.write(tarHeader(path, size));
  for (const piece of all) await file.write(piece);
  await file.write(tarPadding(size));
}
