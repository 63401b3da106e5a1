import { commonSchema, type SchemaName, schemas } from './schema-validator.ts';

interface SchemaPart {
  $ref?: string;
  type?: string;
  anyOf?: unknown;
  properties?: Record<string, SchemaPart>;
  definitions?: Record<string, SchemaPart>;
}

export interface SchemaField {
  path: string[];
  /** Whether any text may stand there (text, enumerations, quantities, durations). */
  isText: boolean;
}

/** `root`: the file that the part stands in, and that its references without a file mean. */
function fieldsOf(root: SchemaPart, part: SchemaPart, path: string[]): SchemaField[] {
  if (part.$ref) {
    const [file, name = ''] = part.$ref.split('#/definitions/');
    const next = file ? (commonSchema as SchemaPart) : root;
    return fieldsOf(next, next.definitions?.[name] ?? {}, path);
  }
  if (part.properties) {
    return Object.entries(part.properties).flatMap(([key, member]) => fieldsOf(root, member, [...path, key]));
  }
  // Quantity, the one anyOf, takes text as well as numbers.
  return [{ path, isText: part.type === 'string' || part.anyOf !== undefined }];
}

/** The fields that have a value of their own: everything but the maps of named fields, and nothing inside of lists. */
export function schemaFields(name: SchemaName): SchemaField[] {
  const root = schemas[name] as SchemaPart;
  return fieldsOf(root, root, []);
}
