/**
 * Writes `pkg/api/types.gen.ts` from `schemas/`. With `--check` it writes nothing and fails when the file is
 * not what the schemas say.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile } from 'json-schema-to-typescript';

const root = join(import.meta.dirname, '../..');
const target = join(root, 'pkg/api/types.gen.ts');

/** One schema that holds all files, so that what they share becomes one type. */
function bundle(): Record<string, unknown> {
  const definitions: Record<string, unknown> = {};
  for (const file of readdirSync(join(root, 'schemas')).sort()) {
    if (!file.endsWith('.json')) continue;
    const schema = JSON.parse(readFileSync(join(root, 'schemas', file), 'utf8'));
    Object.assign(definitions, schema.definitions);
    if (schema.type === 'object') {
      const { definitions: _definitions, $id: _id, $schema: _schema, ...own } = schema;
      definitions[schema.title] = own;
    }
  }
  const text = JSON.stringify({ title: 'Everything', type: 'object', definitions }, (_key, value) =>
    // A description beside $ref would make a second type of the same shape.
    value !== null && typeof value === 'object' && typeof value.$ref === 'string'
      ? { $ref: value.$ref }
      : value,
  );
  return JSON.parse(text.replaceAll(/"\$ref":"[a-z]*\.json#/g, '"$ref":"#'));
}

const body = await compile(bundle() as never, 'Everything', {
  unreachableDefinitions: true,
  // Lists stay plain lists in TypeScript: how many entries they may have is checked by the schema.
  ignoreMinAndMaxItems: true,
  additionalProperties: false,
  bannerComment: '/* Made from schemas/ by `npm run generate`. Do not edit. */',
  style: { singleQuote: true, printWidth: 110 },
});
const text = body
  .replaceAll(
    /\n\/\*\*\n \* This interface was referenced by `[^`]*`'s JSON-Schema\n \* via the `definition` "[^"]*"\.\n \*\//g,
    '',
  )
  .replaceAll(
    /\n \*\n \* This interface was referenced by `[^`]*`'s JSON-Schema\n \* via the `definition` "[^"]*"\./g,
    '',
  )
  .replaceAll(/\n *\[k: string\]: unknown;/g, '')
  .replace(/export interface Everything \{\}\n/, '');

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error(
      'pkg/api/types.gen.ts is not what schemas/ say: run `npm run generate` and commit the result',
    );
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}
