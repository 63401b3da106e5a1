import { globSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { errorMessage } from '../../base/index.ts';
import { UsageError } from '../errors.ts';
import type { CliIo } from '../io.ts';

/** A text with manifests, and the name by which messages speak of it. */
export interface Source {
  name: string;
  text: string;
}

const extensions = ['.yaml', '.yml', '.json'];
const globCharacters = /[*?[\]{}]/;

/** What `-f` names, in the order given, folders and globs by name; a file that is named twice is read once. Raises UsageError. */
export async function readSources(
  io: CliIo,
  paths: readonly string[],
  recursive: boolean,
): Promise<Source[]> {
  const sources = new Map<string, Source>();
  for (const path of paths) {
    if (path === '-') {
      if (!sources.has('-')) sources.set('-', { name: '<stdin>', text: await readAll(io.stdin) });
      continue;
    }
    for (const file of filesOf(io.cwd, path, recursive)) {
      const key = tell(file, () => realpathSync(resolve(io.cwd, file)));
      if (!sources.has(key))
        sources.set(key, { name: file, text: tell(file, () => readFileSync(resolve(io.cwd, file), 'utf8')) });
    }
  }
  return [...sources.values()];
}

function filesOf(cwd: string, path: string, recursive: boolean): string[] {
  const status = statSync(resolve(cwd, path), { throwIfNoEntry: false });
  if (status?.isDirectory()) return filesIn(cwd, path, recursive);
  if (status) return [path];
  if (!globCharacters.test(path)) throw new UsageError(`river: ${path}: there is no such file or folder`);
  const matches = globSync(path, { cwd }).sort();
  const files = matches.flatMap((match) => (statSync(resolve(cwd, match)).isDirectory() ? [] : [match]));
  if (files.length === 0) throw new UsageError(`river: ${path}: no file matches`);
  return files;
}

function filesIn(cwd: string, folder: string, recursive: boolean): string[] {
  const entries = tell(folder, () => readdirSync(resolve(cwd, folder), { recursive, withFileTypes: true }));
  const files = entries
    .filter((entry) => !entry.isDirectory() && extensions.some((extension) => entry.name.endsWith(extension)))
    .map((entry) => join(folder, relative(resolve(cwd, folder), join(entry.parentPath, entry.name))))
    .sort();
  if (files.length > 0) return files;
  const hint = recursive ? '' : ' (with -R also those in its folders)';
  throw new UsageError(`river: ${folder}: the folder has no ${extensions.join(', ')} files${hint}`);
}

async function readAll(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

function tell<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(`river: cannot read ${path}: ${errorMessage(error)}`);
  }
}
