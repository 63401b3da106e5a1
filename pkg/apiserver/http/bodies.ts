import { parseDocument, visit } from 'yaml';
import { errorMessage, RiverError } from '../../base/index.ts';

export interface BodyLimits {
  /** Bytes of any body. */
  bytes: number;
  /** Bytes of a body that has to be read as YAML, which takes a hundred times as long as JSON. */
  yamlBytes: number;
  /** Maps and lists inside one another. */
  depth: number;
  /** Aliases in a YAML document; and the nodes that they stand for, as a multiple of what is written. */
  yamlAliases: number;
}

export const defaultBodyLimits: BodyLimits = {
  bytes: 3 * 1024 * 1024,
  yamlBytes: 256 * 1024,
  depth: 64,
  yamlAliases: 100,
};

/** JSON or YAML text as a value. Raises `BadRequest`, `RequestEntityTooLarge` or `UnsupportedMediaType`. */
export function decodeBody(text: string, mediaType: string, limits: BodyLimits): unknown {
  const value = mediaType.endsWith('yaml') ? decodeYaml(text, limits) : decodeJson(text, mediaType);
  checkShape(value, limits.depth);
  return value;
}

/** `application/json; charset=utf-8` → `application/json`. */
export function mediaTypeOf(contentType: string | undefined): string {
  return (contentType ?? 'application/json').split(';')[0]?.trim().toLowerCase() || 'application/json';
}

function decodeJson(text: string, mediaType: string): unknown {
  // curl -d sends this type for whatever it sends.
  if (!mediaType.endsWith('json') && mediaType !== 'application/x-www-form-urlencoded') {
    throw new RiverError(
      'UnsupportedMediaType',
      `cannot read ${mediaType}: send application/json or application/yaml`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new RiverError('BadRequest', `the body is not JSON: ${errorMessage(error)}`);
  }
}

function decodeYaml(text: string, limits: BodyLimits): unknown {
  const fast = tryJson(text);
  if (fast !== undefined) return fast;
  if (Buffer.byteLength(text) > limits.yamlBytes) {
    throw new RiverError(
      'RequestEntityTooLarge',
      `a YAML body may have at most ${limits.yamlBytes} bytes: send it as JSON`,
    );
  }
  try {
    return readDocument(text, limits.yamlAliases);
  } catch (error) {
    throw new RiverError('BadRequest', `the body is not YAML: ${errorMessage(error).split('\n')[0]}`);
  }
}

/**
 * The parser looks for each alias from the start of the document, and for a double key at every other key of its map:
 * few aliases are let through, and of two equal keys the last one counts, as in JSON.
 */
function readDocument(text: string, aliasLimit: number): unknown {
  const document = parseDocument(text, { uniqueKeys: false });
  const [problem] = document.errors;
  if (problem) throw problem;
  let aliases = 0;
  visit(document, {
    Alias: () => {
      if (++aliases > aliasLimit) throw new Error(`it has more than ${aliasLimit} aliases`);
    },
  });
  return document.toJS({ maxAliasCount: aliasLimit });
}

function tryJson(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Not too deep for code that recurses, and without the one key that is no data in JavaScript. */
function checkShape(value: unknown, limit: number): void {
  let level: object[] = typeof value === 'object' && value !== null ? [value] : [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > limit)
      throw new RiverError('BadRequest', `the body is nested more than ${limit} levels deep`);
    const below: object[] = [];
    for (const node of level) {
      if (Object.hasOwn(node, '__proto__'))
        throw new RiverError('BadRequest', 'the body has a field __proto__');
      for (const child of Object.values(node))
        if (typeof child === 'object' && child !== null) below.push(child);
    }
    level = below;
  }
}
