import { realpath } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { type ApiObject, type Environment, ManifestError, type ManifestProblem } from '../api/index.ts';
import { errorMessage } from '../base/index.ts';
import type { FileUploads } from '../client/index.ts';
import { hashOf, TarTree, uploadLimitBytes } from '../environment/index.ts';
import { type Manifest, problemAt } from './manifests.ts';

/** What one copy step takes, as it is sent. */
export interface CopySource {
  sha256: string;
  tree: TarTree;
}

/** Held in memory; a part that does not arrive is all that is sent twice. */
const partBytes = 4 * 1024 * 1024;

/**
 * The manifests with the hash in every copy step that has none, and what is to be sent for it. Raises ManifestError
 * with every source that is not beside its manifest, not there, or too large: nothing has been sent by then.
 */
export async function withCopies(
  cwd: string,
  manifests: readonly Manifest[],
): Promise<{ manifests: Manifest[]; sources: CopySource[] }> {
  const problems: ManifestProblem[] = [];
  const sources: CopySource[] = [];
  const filled: Manifest[] = [];
  for (const manifest of manifests) {
    if (manifest.object.kind !== 'Environment') {
      filled.push(manifest);
      continue;
    }
    const { spec } = manifest.object as Environment;
    const steps = [...(spec.steps ?? [])];
    for (const [index, { copy }] of steps.entries()) {
      if (copy === undefined || copy.sha256 !== undefined) continue;
      try {
        const tree = await readSource(cwd, manifest, copy.from);
        const sha256 = await hashOf(tree.chunks());
        sources.push({ sha256, tree });
        steps[index] = { copy: { ...copy, sha256 } };
      } catch (error) {
        problems.push(problemAt(manifest.document, `spec.steps[${index}].copy.from`, errorMessage(error)));
      }
    }
    const object = { ...manifest.object, spec: { ...spec, steps } } as ApiObject;
    filled.push(spec.steps ? { ...manifest, object } : manifest);
  }
  if (problems.length > 0) throw new ManifestError(problems);
  return { manifests: filled, sources };
}

/** A manifest from standard input is in the folder where the command runs. */
async function readSource(cwd: string, { document }: Manifest, from: string): Promise<TarTree> {
  const folder = await realpath(dirname(resolve(cwd, document.file)));
  const source = await realpath(resolve(folder, from)).catch((error: NodeJS.ErrnoException) => {
    throw new Error(
      error.code === 'ENOENT'
        ? `there is no ${from} beside the manifest`
        : `cannot be read: ${error.message}`,
    );
  });
  if (relative(folder, source).split('/')[0] === '..')
    throw new Error(`must stay within the folder of the manifest; ${from} is a link to ${source}`);
  const tree = await TarTree.read(source);
  if (tree.size > uploadLimitBytes)
    throw new Error(`is too large: ${tree.size} bytes, and at most ${uploadLimitBytes} can be copied`);
  return tree;
}

/** Sends what the host has not, from the byte on at which it is. */
export async function sendCopies(client: FileUploads, sources: readonly CopySource[]): Promise<void> {
  for (const { sha256, tree } of sources) await sendCopy(client, sha256, tree);
}

async function sendCopy(client: FileUploads, sha256: string, tree: TarTree): Promise<void> {
  let state = await client.uploadState(sha256);
  if (state.complete) return;
  const start = state.size;
  let offset = 0;
  let waiting: Uint8Array[] = [];
  let size = 0;
  const send = async (last: boolean) => {
    const bytes = Buffer.concat(waiting);
    const known = Math.min(bytes.length, Math.max(0, start - offset));
    if (known < bytes.length || last)
      state = await client.uploadPart(sha256, offset + known, bytes.subarray(known), last);
    offset += bytes.length;
    waiting = [];
    size = 0;
  };
  for await (const chunk of tree.chunks()) {
    waiting.push(chunk);
    size += chunk.length;
    if (size >= partBytes) await send(false);
    if (state.complete) return;
  }
  await send(true);
}
