import type { ErrorCause } from '../../base/index.ts';
import { defaultNamespace } from '../defaults.ts';
import { type ApiObject, type Kind, resources } from '../objects.ts';
import { validateManifest } from '../validation/validate.ts';
import { type ManifestDocument, ManifestError, type ManifestProblem } from './manifest.ts';

/** Causes (of the API, or of `validateObject`) with the places that they speak of. */
export function locateCauses(document: ManifestDocument, causes: readonly ErrorCause[]): ManifestProblem[] {
  return causes.map(({ field = '', message }) => ({
    file: document.file,
    ...document.locate(field),
    field,
    message,
  }));
}

/** Kind, namespace and name of a valid object. */
function identity({ kind, metadata }: ApiObject, namespace: string): string {
  const scope = resources[kind as Kind].namespaced ? `${metadata.namespace || namespace}/` : '';
  return `${kind} ${scope}${metadata.name}`;
}

function duplicates(documents: readonly ManifestDocument[], namespace: string): ManifestProblem[] {
  const seen = new Map<string, ManifestDocument>();
  return documents.flatMap((document) => {
    const key = identity(document.object as ApiObject, namespace);
    const first = seen.get(key);
    if (!first) {
      seen.set(key, document);
      return [];
    }
    const { line, column } = first.locate('metadata.name');
    const message = `${key} is already at ${first.file}:${line}:${column}; name each object once`;
    return [{ file: document.file, ...document.locate('metadata.name'), field: 'metadata.name', message }];
  });
}

/**
 * The objects of a set of files, when every one of them may be sent; `namespace` is that of objects that name none.
 * Raises `ManifestError` with everything that is wrong in all of them.
 */
export function checkManifests(
  documents: readonly ManifestDocument[],
  namespace = defaultNamespace,
): ApiObject[] {
  const problems: ManifestProblem[] = [];
  const valid: ManifestDocument[] = [];
  for (const document of documents) {
    const found = locateCauses(document, validateManifest(document.object));
    if (found.length === 0) valid.push(document);
    problems.push(...found);
  }
  problems.push(...duplicates(valid, namespace));
  if (problems.length > 0) throw new ManifestError(problems);
  return documents.map(({ object }) => object as ApiObject);
}
