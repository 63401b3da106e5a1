import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { hasCode } from '../../base/index.ts';
import type { EnvironmentFiles } from '../../client/index.ts';
import { parseTarballIndex, shortDigest, verifyTarball } from '../../environment/index.ts';
import { type Context, print } from '../context.ts';
import { ExitError, Interrupted, UsageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { overRestart } from '../following/follow.ts';
import { ProgressBar } from '../following/progress-bar.ts';
import { keptDigest } from '../naming/kept-digest.ts';
import { environmentName } from '../naming/object-args.ts';

export interface ExportFlags {
  /** Left out: NAME-DIGEST.tar where the command runs. */
  output?: string;
  /** First digits; left out: the one in use. */
  digest?: string;
}

/** The tarball as the host has it. Under its name it is whole and checked; what broke off is gone on with. */
export async function exportEnvironment(
  context: Context,
  words: readonly string[],
  flags: ExportFlags,
): Promise<number> {
  const name = environmentName(words, 'river env export env/py -o py.tar');
  const { client } = await context.connect();
  const environment = await client.get('Environment', '', name);
  const digest =
    flags.digest === undefined ? environment.status?.digest : keptDigest(environment, flags.digest);
  if (digest === undefined)
    throw new ExitError(
      exitCodes.failed,
      `environment ${name} has no digest yet: river wait env/${name} --for condition=Ready`,
    );
  const file = resolve(context.io.cwd, flags.output ?? `${name}-${shortDigest(digest)}.tar`);
  await refusePlace(file);
  const source = { client, name, digest };
  const bar = new ProgressBar(context.io);
  try {
    await fetchWhole(context, source, file, bar);
  } finally {
    await bar.clear();
  }
  await print(context, `${file} has environment ${name}, ${digest}`);
  return exitCodes.ok;
}

/** Seen before gigabytes are fetched for it. */
async function refusePlace(file: string): Promise<void> {
  if (await isFolder(file)) throw new UsageError(`river: ${file} is a folder: name a file, as in -o py.tar`);
  const folder = dirname(file);
  if (!(await isFolder(folder))) throw new UsageError(`river: there is no folder ${folder}: make it first`);
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

interface Source {
  client: EnvironmentFiles;
  name: string;
  digest: string;
}

async function fetchWhole(context: Context, source: Source, file: string, bar: ProgressBar): Promise<void> {
  const { client, name, digest } = source;
  const text = JSON.stringify(await client.environmentIndex(name, digest));
  const { size } = parseTarballIndex(text, `what the host has of environment ${name}`);
  // Named by the digest: what was begun of another one is not gone on with.
  const partial = `${file}.${shortDigest(digest)}.partial`;
  const rest = () => fetchRest(context, source, { partial, size }, bar);
  while ((await sizeOf(partial)) < size) await overRestart(rest, context.io);
  await check(partial, digest, (checked) => bar.bytes(`checking ${name}`, checked, size));
  await rename(partial, file);
}

async function check(partial: string, digest: string, onBytes: (checked: number) => void): Promise<void> {
  let checked = 0;
  try {
    await verifyTarball(partial, digest, (count) => {
      checked += count;
      onBytes(checked);
    });
  } catch (error) {
    if (!hasCode(error, 'Invalid')) throw error;
    await rm(partial, { force: true });
    throw new ExitError(exitCodes.failed, `${error.message} It was removed: export it again.`);
  }
}

async function fetchRest(
  { io }: Context,
  { client, name, digest }: Source,
  { partial, size }: { partial: string; size: number },
  bar: ProgressBar,
): Promise<void> {
  const start = await sizeOf(partial);
  let done = start;
  async function* shown(): AsyncGenerator<Uint8Array> {
    const range = { offset: start, size: size - start };
    for await (const chunk of client.environmentBytes(name, digest, range, io.signal)) {
      done += chunk.length;
      bar.bytes(`fetching ${name}`, done, size);
      yield chunk;
    }
  }
  try {
    await pipeline(shown, createWriteStream(partial, { flags: 'a' }));
  } catch (error) {
    if (io.signal.aborted) throw new Interrupted();
    // Something came: it is not away, and what comes next is another failure.
    if (done === start || !hasCode(error, 'ServiceUnavailable')) throw error;
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
