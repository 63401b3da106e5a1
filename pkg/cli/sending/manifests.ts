import {
  type ApiObject,
  checkManifests,
  defaultNamespace,
  findResource,
  type ManifestDocument,
  ManifestError,
  type ManifestProblem,
  parseManifest,
} from '../../api/index.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../errors.ts';
import { readSources, type Source } from './manifest-files.ts';

/** A valid object, with its namespace filled in, and where its parts stand. */
export interface Manifest {
  object: ApiObject;
  document: ManifestDocument;
}

/**
 * The objects of all the files, when every one of them may be sent. Raises ManifestError with everything that is
 * wrong in all of them, before the config file is even read: what is wrong here is wrong for every host.
 */
export async function readManifests(
  context: Context,
  paths: readonly string[],
  recursive: boolean,
): Promise<Manifest[]> {
  const sources = await readSources(context.io, paths, recursive);
  const documents = parseAll(sources, context.flags.namespace ?? defaultNamespace);
  if (documents.length === 0)
    throw new UsageError(`river: no objects in ${sources.map(({ name }) => name).join(', ')}`);
  return documents.map((document) => ({ document, object: document.object as ApiObject }));
}

/** The same, with the namespace of the connection in objects that name none. Two may turn out to be one. */
export function inNamespace(
  manifests: readonly Manifest[],
  wanted: string | undefined,
  fallback: string,
): Manifest[] {
  const namespace = wanted ?? fallback;
  const documents = manifests.map(({ document }) => document);
  checkManifests(documents, namespace);
  const elsewhere = documents.filter(
    ({ object }) => wanted !== undefined && (namespaceOf(object) ?? wanted) !== wanted,
  );
  if (elsewhere.length > 0) {
    throw new ManifestError(
      elsewhere.map((each) => problemAt(each, 'metadata.namespace', `is not ${wanted}, which -n asks for`)),
    );
  }
  return manifests.map(({ document, object }) => {
    const scope = findResource(object.kind)?.namespaced
      ? { namespace: object.metadata.namespace || namespace }
      : {};
    return { document, object: { ...object, metadata: { ...object.metadata, ...scope } } };
  });
}

function namespaceOf(object: unknown): string | undefined {
  return (object as ApiObject).metadata.namespace || undefined;
}

export function problemAt(document: ManifestDocument, field: string, message: string): ManifestProblem {
  return { file: document.file, ...document.locate(field), field, message };
}

function parseAll(sources: readonly Source[], namespace: string): ManifestDocument[] {
  const problems: ManifestProblem[] = [];
  const documents = sources.flatMap(({ name, text }) => collect(problems, () => parseManifest(text, name)));
  collect(problems, () => checkManifests(documents, namespace));
  if (problems.length > 0) throw new ManifestError(problems);
  return documents;
}

function collect<T>(problems: ManifestProblem[], read: () => T[]): T[] {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    problems.push(...error.problems);
    return [];
  }
}
