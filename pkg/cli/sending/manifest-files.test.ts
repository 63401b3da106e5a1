import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { readSources } from './manifest-files.ts';

let cwd = '';

beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'river-cli-'));
  mkdirSync(join(cwd, 'set/deep'), { recursive: true });
  mkdirSync(join(cwd, 'empty'));
  for (const name of ['b.yaml', 'a.yml', 'c.json', 'notes.txt', 'deep/d.yaml'])
    writeFileSync(join(cwd, 'set', name), name);
});

afterAll(() => rmSync(cwd, { recursive: true }));

async function names(paths: string[], recursive = false): Promise<string[]> {
  async function* stdin() {
    yield Buffer.from('from');
    yield Buffer.from(' stdin');
  }
  const io = { cwd, stdin: stdin() } as unknown as CliIo;
  return (await readSources(io, paths, recursive)).map(({ name, text }) => `${name}=${text}`);
}

it('reads files, folders, globs and standard input, each file once', async () => {
  expect(await names(['set/notes.txt'])).toEqual(['set/notes.txt=notes.txt']);
  expect(await names(['set'])).toEqual(['set/a.yml=a.yml', 'set/b.yaml=b.yaml', 'set/c.json=c.json']);
  expect((await names(['set'], true)).at(-1)).toBe('set/deep/d.yaml=deep/d.yaml');
  expect(await names(['set/*.y*ml', 'set/b.yaml'])).toEqual(['set/a.yml=a.yml', 'set/b.yaml=b.yaml']);
  expect(await names(['-'])).toEqual(['<stdin>=from stdin']);
});

it.each(['none.yaml', 'none/*.yaml', 'empty'])('says that there is nothing at %s', async (path) => {
  await expect(names([path])).rejects.toThrow(UsageError);
});
