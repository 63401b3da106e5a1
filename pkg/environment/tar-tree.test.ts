import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readTarEntries } from './tar-headers.ts';
import { TarTree } from './tar-tree.ts';
import { hashOf } from './uploads.ts';

let folder: string;
const long = 'n'.repeat(150);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-tar-'));
  mkdirSync(join(folder, 'tree/sub'), { recursive: true });
  writeFileSync(join(folder, 'tree/b'), 'x'.repeat(1000));
  writeFileSync(join(folder, 'tree/ä'), '');
  writeFileSync(join(folder, 'tree/sub', long), 'long');
  chmodSync(join(folder, 'tree/b'), 0o755);
  symlinkSync('../b', join(folder, 'tree/sub/link'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function written(source: string): Promise<string> {
  const file = join(folder, 'out.tar');
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await TarTree.read(source)).chunks()) chunks.push(chunk);
  writeFileSync(file, Buffer.concat(chunks));
  return file;
}

it('is a tar that tar and our own reader take, with modes, links and long names', async () => {
  const file = await written(join(folder, 'tree'));
  const paths = [
    'directory/',
    'directory/b',
    'directory/sub/',
    `directory/sub/link`,
    `directory/sub/${long}`,
  ];
  const handle = await open(file);
  const entries = await readTarEntries(handle, file);
  await handle.close();
  expect(entries.map(({ path }) => path)).toEqual([...paths, 'directory/ä']);
  mkdirSync(join(folder, 'out'));
  execFileSync('tar', ['-xf', file, '-C', join(folder, 'out')]);
  execFileSync('diff', ['-r', join(folder, 'tree'), join(folder, 'out/directory')]);
  const listed = execFileSync('tar', ['-tvf', file], { encoding: 'utf8' });
  expect(listed).toContain('-rwxr-xr-x 0/0');
  expect(listed).toContain('link -> ../b');
});

it('is the same for the same content, and says by its name that it is one file', async () => {
  const hash = async () => hashOf((await TarTree.read(join(folder, 'tree'))).chunks());
  const before = await hash();
  writeFileSync(join(folder, 'tree/b'), 'x'.repeat(1000));
  expect(await hash()).toBe(before);
  chmodSync(join(folder, 'tree/b'), 0o644);
  expect(await hash()).not.toBe(before);
  const listed = execFileSync('tar', ['-tf', await written(join(folder, 'tree/b'))], { encoding: 'utf8' });
  expect(listed).toBe('file/b\n');
});

it('refuses what changes while it is read, and what is no file', async () => {
  const tree = await TarTree.read(join(folder, 'tree'));
  truncateSync(join(folder, 'tree/b'), 10);
  await expect(hashOf(tree.chunks())).rejects.toThrow('changed while it was read');
  execFileSync('mkfifo', [join(folder, 'tree/pipe')]);
  await expect(TarTree.read(join(folder, 'tree'))).rejects.toThrow('neither file, folder nor link');
});
