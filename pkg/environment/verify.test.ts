import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hasCode } from '../base/index.ts';
import { tarEnd, tarHeader, tarPadding } from './tar-writer.ts';
import { verifyTarball } from './verify.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-verify-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');
const contents = [Buffer.from('one'.repeat(1000)), Buffer.from('two'.repeat(1000)), Buffer.from('three')];

/** A tarball of these layers, as `pack` stores them, and its digest. */
function tarball(pack: (layer: Buffer, index: number) => Buffer) {
  const diffIds = contents.map((layer) => `sha256:${sha256(layer)}`);
  const config = Buffer.from(JSON.stringify({ rootfs: { diff_ids: diffIds } }));
  const Layers = contents.map((_layer, index) => `${index}/layer.tar`);
  const files: [string, Buffer][] = [
    ['manifest.json', Buffer.from(JSON.stringify([{ Config: 'c.json', Layers }]))],
    ['c.json', config],
    ...contents.map((layer, index): [string, Buffer] => [Layers[index] ?? '', pack(layer, index)]),
  ];
  const parts = files.flatMap(([path, content]) => [
    tarHeader({ path, size: content.length, mode: 0o644, type: 'file' }),
    content,
    tarPadding(content.length),
  ]);
  const file = join(folder, 'image.tar');
  writeFileSync(file, Buffer.concat([...parts, tarEnd]));
  return { file, digest: `sha256:${sha256(config)}` };
}

const plain = (layer: Buffer) => layer;
const packers = [plain, (layer: Buffer) => gzipSync(layer), (layer: Buffer) => zstdCompressSync(layer)];

it('takes what has the digest and its layers, plain or packed', async () => {
  const { file, digest } = tarball((layer, index) => (packers[index] ?? plain)(layer));
  let read = 0;
  await verifyTarball(file, digest, (count) => {
    read += count;
  });
  expect(read).toBeGreaterThan(3000);
});

it.each([
  ['another digest', plain, 'sha256:0', 'its digest is'],
  [
    'another layer',
    (layer: Buffer) => Buffer.from(layer.map((byte) => byte ^ 1)),
    undefined,
    '0/layer.tar is not',
  ],
  [
    'a packed layer that is cut',
    (layer: Buffer) => gzipSync(layer).subarray(0, 30),
    undefined,
    'unexpected end',
  ],
])('refuses %s', async (_what, pack, digest, message) => {
  const made = tarball(pack);
  const refusal = await verifyTarball(made.file, digest ?? made.digest, () => {}).catch(
    (error: unknown) => error,
  );
  expect(hasCode(refusal, 'Invalid')).toBe(true);
  expect(String(refusal)).toContain(message);
});
