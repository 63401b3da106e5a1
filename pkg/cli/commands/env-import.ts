import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { stringify } from 'yaml';
import { apiVersion, type Environment } from '../../api/index.ts';
import { errorMessage, hasCode } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { hashOf, readImageLayout } from '../../environment/index.ts';
import { type Connection, type Context, print } from '../context.ts';
import { UsageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { ProgressBar } from '../following/progress-bar.ts';
import { shownObject } from '../naming/object-args.ts';
import { applyManager } from '../sending/apply-manager.ts';
import { sendUpload } from '../sending/send-upload.ts';

export interface ImportFlags {
  /** Left out: the file is sent, for a manifest of one's own. */
  name?: string;
  output?: 'yaml';
}

/** Pieces in which it is read. */
const chunkBytes = 1024 * 1024;

/** Sends a tarball to the host and applies the manifest of an Environment that is built from it. */
export async function importEnvironment(
  context: Context,
  word: string,
  { name, output }: ImportFlags,
): Promise<number> {
  const file = resolve(context.io.cwd, word);
  const { size } = await stat(file).catch((error: unknown) => {
    throw new UsageError(`river: ${word} cannot be read: ${errorMessage(error)}`);
  });
  await readImageLayout(file);
  const { client } = await context.connect();
  if (name !== undefined) await refuseOther(client, name);
  const bar = new ProgressBar(context.io);
  const upload = await send(context, { client, file, size, bar, name }).finally(() => bar.clear());
  if (name === undefined) {
    await print(context, stringify({ spec: { from: { upload } } }).trimEnd());
    return exitCodes.ok;
  }
  const manifest = manifestOf(name, upload);
  const { object, outcome } = await client.apply(manifest, { fieldManager: applyManager });
  const shown = output === 'yaml' ? stringify(manifest).trimEnd() : `${shownObject(object)} ${outcome}`;
  await print(context, shown);
  return exitCodes.ok;
}

interface Sending {
  client: Connection['client'];
  file: string;
  size: number;
  bar: ProgressBar;
  name: string | undefined;
}

/** Answers the hash under which the host has it. */
async function send({ io }: Context, { client, file, size, bar, name }: Sending): Promise<string> {
  const shown = basename(file);
  const chunks = () => createReadStream(file, { highWaterMark: chunkBytes, signal: io.signal });
  let read = 0;
  const sha256 = await hashOf(
    counted(chunks(), (count) => {
      read += count;
      bar.bytes(`reading ${shown}`, read, size);
    }),
  );
  // What the host would refuse is not sent first.
  if (name !== undefined)
    await client.apply(manifestOf(name, sha256), { fieldManager: applyManager, dryRun: true });
  await sendUpload(client, { sha256, chunks }, io, (done) => bar.bytes(`sending ${shown}`, done, size));
  return sha256;
}

/** An apply takes away what its manifest does not have: steps that somebody wrote must not go by an import. */
async function refuseOther(client: Client, name: string): Promise<void> {
  const { spec } = await client.get('Environment', '', name).catch((error: unknown) => {
    if (hasCode(error, 'NotFound')) return { spec: undefined };
    throw error;
  });
  if (!spec || (spec.from.upload !== undefined && !spec.steps?.length)) return;
  throw new UsageError(
    `river: environment ${name} has a manifest of its own: take another name, or leave --name out and write what that prints into the manifest`,
  );
}

function manifestOf(name: string, upload: string): Environment {
  return { apiVersion, kind: 'Environment', metadata: { name }, spec: { from: { upload } } };
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}
