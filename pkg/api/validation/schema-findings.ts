import type { ErrorObject } from 'ajv';
import { type FieldPath, formatField } from './field-path.ts';
import type { Finding } from './finding.ts';
import { nearest, suggestion } from './nearest.ts';
import { schemaFields } from './schema-fields.ts';
import { type SchemaName, schemaErrors } from './schema-validator.ts';

interface SchemaPart {
  type?: string;
  properties?: Record<string, unknown>;
  items?: { type?: string };
  additionalProperties?: { type?: string } | boolean;
  description?: string;
}

/** JSON pointer to path; digits are an index only where there is a list. */
function toPath(pointer: string, root: unknown): (string | number)[] {
  const path: (string | number)[] = [];
  let value = root;
  for (const raw of pointer.split('/').slice(1)) {
    const key = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(key) : key);
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
  }
  return path;
}

/** What stands there, in words and short. */
export function describeFound(value: unknown): string {
  if (value === null) return 'nothing (leave the field out instead)';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return `the ${typeof value} ${value}`;
  return `the text ${JSON.stringify(value.length > 60 ? `${value.slice(0, 59)}…` : value)}`;
}

function expectedType(type: string, schema: SchemaPart): string {
  if (type === 'array') return schema.items?.type === 'string' ? 'a list of texts, as in [a, b]' : 'a list';
  if (type === 'object') {
    const values = schema.additionalProperties;
    return typeof values === 'object' && values.type === 'string'
      ? 'a map of texts, as in {key: value}'
      : 'a map';
  }
  return (
    { string: 'text', boolean: 'true or false', integer: 'a whole number', number: 'a number' }[type] ?? type
  );
}

function typeMessage(error: ErrorObject): string {
  const type = String(error.params.type);
  const scalar = typeof error.data === 'number' || typeof error.data === 'boolean';
  const hint = type === 'string' && scalar ? '; put quotes around it' : '';
  return `must be ${expectedType(type, (error.parentSchema ?? {}) as SchemaPart)}; found ${describeFound(error.data)}${hint}`;
}

function unknownField(path: FieldPath, error: ErrorObject, name: SchemaName): Finding {
  const unknown = String(error.params.additionalProperty);
  const known = Object.keys((error.parentSchema as SchemaPart | undefined)?.properties ?? {});
  const meant = nearest(unknown, known);
  const elsewhere = schemaFields(name).find(
    (field) => field.path[0] !== 'status' && field.path.at(-1) === unknown,
  );
  const guess = meant ?? (elsewhere && formatField(elsewhere.path));
  const hint = guess ? `did you mean ${guess}?` : `known here: ${known.join(', ')}`;
  return {
    path: [...path, unknown],
    message: `unknown field; ${hint}`,
    reason: 'FieldValueForbidden',
    meant,
  };
}

function missingField(path: FieldPath, error: ErrorObject): Finding {
  const missing = String(error.params.missingProperty);
  const schema = error.parentSchema as SchemaPart | undefined;
  const constant = (schema?.properties?.[missing] as { const?: unknown } | undefined)?.const;
  const example = constant === undefined ? '' : `, as in ${missing}: ${constant}`;
  return { path: [...path, missing], message: `is required${example}`, reason: 'FieldValueRequired' };
}

function limitMessage(error: ErrorObject): string {
  const limit = error.params.limit;
  switch (error.keyword) {
    case 'minItems':
      return `must have at least ${limit} entries; leave it out if there is none`;
    case 'maxItems':
      return `must have at most ${limit} entries; found ${(error.data as unknown[]).length}`;
    case 'minLength':
      return 'must not be empty';
    case 'minimum':
      return `must be ${limit} or more; found ${describeFound(error.data)}`;
    case 'maximum':
      return `must be ${limit} or less; found ${describeFound(error.data)}`;
    case 'minProperties':
    case 'maxProperties': {
      const known = Object.keys((error.parentSchema as SchemaPart | undefined)?.properties ?? {});
      const found = Object.keys(error.data as object);
      return `must have exactly one of ${known.join(', ')}; found ${found.join(' and ') || 'none'}`;
    }
    default:
      return `${error.message ?? 'is invalid'}; found ${describeFound(error.data)}`;
  }
}

function oneOfValues(error: ErrorObject): string {
  const values =
    error.keyword === 'const' ? [error.params.allowedValue] : (error.params.allowedValues as unknown[]);
  const hint = typeof error.data === 'string' ? suggestion(error.data, values.map(String)) : '';
  return `must be ${values.join(' or ')}; found ${describeFound(error.data)}${hint}`;
}

function takesLists(error: ErrorObject): boolean {
  const choices = (error.parentSchema as { anyOf?: { type?: string }[] } | undefined)?.anyOf ?? [];
  return choices.some(({ type }) => type === 'array');
}

function toFinding(error: ErrorObject, root: unknown, name: SchemaName): Finding {
  const path = toPath(error.instancePath, root);
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownField(path, error, name);
    case 'required':
      return missingField(path, error);
    case 'type':
      return { path, message: typeMessage(error), reason: 'FieldValueTypeInvalid' };
    case 'enum':
    case 'const':
      return { path, message: oneOfValues(error), reason: 'FieldValueNotSupported' };
    case 'anyOf':
      if (takesLists(error))
        return {
          path,
          message: `must be a text, or a list of texts, as in [a, b]; found ${describeFound(error.data)}`,
          reason: 'FieldValueTypeInvalid',
        };
      // The other one that the schemas have: Quantity.
      return {
        path,
        message: `must be bytes, as in 512M, 4Gi or a whole number; found ${describeFound(error.data)}`,
        reason: 'FieldValueInvalid',
      };
    default:
      return { path, message: limitMessage(error), reason: 'FieldValueInvalid' };
  }
}

/** Everything that the schema finds wrong, one finding a fault. */
export function schemaFindings(name: SchemaName, value: unknown): Finding[] {
  return schemaErrors(name, value)
    .filter((error) => !error.schemaPath.includes('/anyOf/'))
    .map((error) => toFinding(error, value, name));
}
