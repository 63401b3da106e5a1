import { realpath } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { type ApiObject, type Environment, ManifestError, type ManifestProblem } from '../../api/index.ts';
import { errorMessage } from '../../base/index.ts';
import type { FileUploads } from '../../client/index.ts';
import { copyLimitBytes, hashOf, TarTree } from '../../environment/index.ts';
import type { FollowSeams } from '../following/follow.ts';
import { type Manifest, problemAt } from './manifests.ts';
import { sendUpload } from './send-upload.ts';

/** What one copy step takes, as it is sent. */
export interface CopySource {
  /** As the manifest names it. */
  name: string;
  sha256: string;
  tree: TarTree;
}

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
        sources.push({ name: copy.from, sha256, tree });
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
  if (tree.size > copyLimitBytes)
    throw new Error(`is too large: ${tree.size} bytes, and at most ${copyLimitBytes} can be copied`);
  return tree;
}

/** Sends what the host has not. */
export async function sendCopies(
  client: FileUploads,
  sources: readonly CopySource[],
  seams: FollowSeams,
  onBytes: (name: string, done: number, total: number) => void,
): Promise<void> {
  for (const { name, sha256, tree } of sources)
    await sendUpload(client, { sha256, chunks: () => tree.chunks() }, seams, (done) =>
      onBytes(name, done, tree.size),
    );
}
