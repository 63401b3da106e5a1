import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { smallTar, tarEnd, tarHeader, tarPadding } from '../../pkg/executor/docker/tar.ts';
import type { ArchivedImage, ByteRange, ByteSource } from '../../pkg/executor/index.ts';
import { readRange } from '../../pkg/runner/environments/read-range.ts';

/** A `docker load` file as a host publishes it, with its index. */
export interface EnvironmentFile {
  image: ArchivedImage;
  tarball: string;
  /** All of it. */
  read(): Buffer;
}

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

/** The bytes of a layer with these files. */
export const layerOf = (files: Record<string, Buffer>): Buffer => smallTar(files);

/** Writes the tarball and its index as `<name>-<digest12>.tar|json` into the folder. */
export function environmentFile(folder: string, name: string, layers: Buffer[]): EnvironmentFile {
  const diffIds = layers.map((layer) => `sha256:${sha256(layer)}`);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Env: ['PATH=/bin'] },
      rootfs: { type: 'layers', diff_ids: diffIds },
    }),
  );
  const digest = `sha256:${sha256(config)}`;
  const configPath = `${sha256(config)}.json`;
  const paths = diffIds.map((id, index) => `${index}-${id.slice(7, 19)}/layer.tar`);
  const manifest = Buffer.from(JSON.stringify([{ Config: configPath, RepoTags: null, Layers: paths }]));
  const parts: Buffer[] = [];
  let size = 0;
  const place = (path: string, content: Buffer): ByteRange & { path: string } => {
    const offset = size + 512;
    const padding = tarPadding(content.length);
    parts.push(tarHeader(path, content.length), content, padding);
    size += 512 + content.length + padding.length;
    return { path, offset, size: content.length };
  };
  const entries = [place('manifest.json', manifest), place(configPath, config)];
  const placed = layers.map((layer, index) => ({
    ...place(paths[index] ?? '', layer),
    diffId: diffIds[index] ?? '',
  }));
  const stem = join(folder, `${name}-${digest.slice(7, 19)}`);
  writeFileSync(`${stem}.tar`, Buffer.concat([...parts, tarEnd]));
  const index = {
    ...{ name, digest, size: size + tarEnd.length, builtAt: '2026-01-01T00:00:00Z', spec: {}, configPath },
    entries,
    layers: placed.map((layer) => ({ ...layer, chainId: layer.diffId })),
  };
  writeFileSync(`${stem}.json`, JSON.stringify(index));
  const [, configAt] = entries;
  const plain = placed.map(({ offset, size, diffId }) => ({ offset, size, diffId }));
  return {
    image: {
      ...{ name, digest, layers: plain },
      config: { offset: configAt?.offset ?? 0, size: config.length },
    },
    tarball: `${stem}.tar`,
    read: () => readFileSync(`${stem}.tar`),
  };
}

/** Reads it by offset; `onRead` hears every range that is asked for. */
export function fileSource(tarball: string, onRead: (range: ByteRange) => void): ByteSource {
  return {
    read(range, signal) {
      onRead(range);
      return readRange(tarball, range, signal);
    },
  };
}
