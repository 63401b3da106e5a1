import { type ApiObject, apiVersion, defaultNamespace, type Kind, resources } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';

/** The namespace that is meant: `default` for a namespaced kind without one, '' for cluster kinds. */
export function namespaceOf(kind: Kind, namespace: string | undefined): string {
  return resources[kind].namespaced ? namespace || defaultNamespace : '';
}

/** The object, known to have metadata, to be of this kind and version, and with its namespace. Raises `BadRequest`. */
export function addressed(kind: Kind, object: ApiObject): ApiObject {
  const metadata: unknown = (object as Partial<ApiObject> | null)?.metadata;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) {
    throw new RiverError('BadRequest', `the body is no ${kind}: it has no metadata`);
  }
  if (object.kind !== kind || object.apiVersion !== apiVersion) {
    const found = `${String(object.apiVersion).slice(0, 80)} ${String(object.kind).slice(0, 80)}`;
    throw new RiverError('BadRequest', `the body must be a ${apiVersion} ${kind}, not ${found}`);
  }
  const { namespace } = object.metadata;
  if (!resources[kind].namespaced) return object;
  return { ...object, metadata: { ...object.metadata, namespace: namespaceOf(kind, namespace) } };
}
