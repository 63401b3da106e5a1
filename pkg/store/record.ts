import type { ApiObject, Kind } from '../api/index.ts';
import { RiverError } from '../base/index.ts';
import { copyOfJson } from './json-copy.ts';
import type { StoredRecord } from './types.ts';

/** Parses only when somebody looks inside: lists and watches of the wire pass the text on. */
export class LazyRecord implements StoredRecord {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
  readonly version: number;
  readonly json: string;
  #object: ApiObject | undefined;

  /** `object`: what the text says, when that is known. */
  constructor(
    kind: Kind,
    namespace: string,
    name: string,
    version: number,
    json: string,
    object?: ApiObject,
  ) {
    this.kind = kind;
    this.namespace = namespace;
    this.name = name;
    this.version = version;
    this.json = json;
    this.#object = object;
  }

  get object(): ApiObject {
    this.#object ??= JSON.parse(this.json) as ApiObject;
    return this.#object;
  }
}

/**
 * The record of `object` at `version`. A copy, so that what the caller does with its object afterwards cannot reach what
 * is stored; through text where a copy by hand would differ from that.
 */
export function recordOf(object: ApiObject, version: number): LazyRecord {
  const { name, namespace } = object.metadata;
  if (!name) throw new RiverError('BadRequest', 'An object needs metadata.name to be stored.');
  const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
  const json = JSON.stringify(stored);
  const copy = copyOfJson(stored) as ApiObject | undefined;
  return new LazyRecord(object.kind as Kind, namespace ?? '', name, version, json, copy);
}

/** One string for maps; NUL cannot occur in names. */
export function recordKey(kind: Kind, namespace: string, name: string): string {
  return `${kind}\0${namespace}\0${name}`;
}
