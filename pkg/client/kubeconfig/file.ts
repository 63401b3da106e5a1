import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { errorMessage, RiverError } from '../../base/index.ts';
import { type ConnectionEntry, emptyKubeconfig, entryOf, type Kubeconfig, withEntry } from './config.ts';

export type { ConnectionEntry, Kubeconfig } from './config.ts';

/** `~/.river/config` under the given home folder. */
export function defaultConfigFile(home: string): string {
  return join(home, '.river', 'config');
}

/**
 * Server and token of a context in the file (its current one when left out). Raises `NotFound` without a file,
 * `Forbidden` when group or others may read or write it, `BadRequest` when it is not of the kubeconfig form.
 */
export async function readKubeconfig(file: string, contextName?: string): Promise<ConnectionEntry> {
  const config = await loadFile(file);
  if (!config) {
    throw new RiverError(
      'NotFound',
      `there is no config file ${file}: start river dev on this machine, or copy the file from where the host runs`,
    );
  }
  return entryOf(config, file, contextName);
}

/** Adds or replaces one entry, makes it the current one and keeps all others. The file is replaced as a whole, mode 0600. Raises `Forbidden` when that cannot be done. */
export async function writeKubeconfig(file: string, entry: ConnectionEntry): Promise<void> {
  const config = withEntry((await loadFile(file)) ?? emptyKubeconfig, entry);
  const { stringify } = await import('yaml');
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    replaceFile(file, stringify(config));
  } catch (error) {
    throw new RiverError(
      'Forbidden',
      `cannot write the token to ${file}: ${errorMessage(error)}; make room there, or make it writable`,
    );
  }
}

/** A file with this entry alone. */
export async function kubeconfigText(entry: ConnectionEntry): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(withEntry(emptyKubeconfig, entry));
}

async function loadFile(file: string): Promise<Kubeconfig | undefined> {
  const text = readPrivateFile(file);
  if (text === undefined) return undefined;
  if (text.trim() === '') return emptyKubeconfig;
  const { parse } = await import('yaml');
  try {
    return checked(parse(text) as Partial<Kubeconfig> | null);
  } catch (error) {
    throw new RiverError(
      'BadRequest',
      `${file} is not a kubeconfig file: ${errorMessage(error).split('\n')[0]?.replace(/:$/, '')}`,
    );
  }
}

function checked(config: Partial<Kubeconfig> | null): Kubeconfig {
  if (config?.kind !== 'Config') throw new Error('kind is not Config');
  for (const list of ['clusters', 'users', 'contexts'] as const) {
    const entries: unknown = config[list] ?? [];
    if (!Array.isArray(entries) || entries.some((entry) => typeof entry?.name !== 'string')) {
      throw new Error(`${list} is not a list of named entries`);
    }
  }
  return {
    ...emptyKubeconfig,
    ...config,
    clusters: config.clusters ?? [],
    users: config.users ?? [],
    contexts: config.contexts ?? [],
  };
}

function readPrivateFile(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new RiverError('Forbidden', `cannot read ${file}: ${errorMessage(error)}`);
  }
  try {
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new RiverError(
        'Forbidden',
        `${file} holds a token and others may read or change it (mode ${mode.toString(8)}): chmod 600 ${file}`,
      );
    }
    return readFileSync(descriptor, 'utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** A reader sees the old file or the new one, never half of one. */
function replaceFile(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.new`;
  rmSync(temporary, { force: true });
  try {
    writeFileSync(temporary, text, { mode: 0o600, flag: 'wx', flush: true });
    renameSync(temporary, file);
  } finally {
    rmSync(temporary, { force: true });
  }
}
