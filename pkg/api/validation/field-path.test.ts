import { expect, test } from 'vitest';
import { formatField, parseField } from './field-path.ts';

test.each([
  [[], ''],
  [['spec', 'targets', 0], 'spec.targets[0]'],
  [['metadata', 'labels', 'a.b/c'], 'metadata.labels["a.b/c"]'],
  [['env', '0', 'a"b\\'], 'env["0"]["a\\"b\\\\"]'],
  [['env', ''], 'env[""]'],
])('%j is written %s and read back', (path, text) => {
  expect(formatField(path)).toBe(text);
  expect(parseField(text)).toEqual(path);
});

test('what is no path is one key', () => {
  expect(parseField('a[')).toEqual(['a[']);
});
