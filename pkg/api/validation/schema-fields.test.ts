import { expect, test } from 'vitest';
import { schemaFields } from './schema-fields.ts';

test('fields are found through references, with what may stand there', () => {
  const fields = new Map(schemaFields('Task').map(({ path, isText }) => [path.join('.'), isText]));
  expect(fields.get('spec.resources.memory')).toBe(true);
  expect(fields.get('spec.resources.cores')).toBe(false);
  expect(fields.get('spec.timeout')).toBe(true);
  expect(fields.get('metadata.labels')).toBe(false);
  expect(fields.has('spec.resources')).toBe(false);
});
