import { expect, test } from 'vitest';
import { ManifestError, parseManifest } from './manifest.ts';

function messageOf(text: string): string {
  try {
    parseManifest(text, 'f.yaml');
  } catch (error) {
    if (error instanceof ManifestError) return error.message;
    throw error;
  }
  return 'no error';
}

test('documents come in order, empty ones are skipped, JSON is YAML', () => {
  const documents = parseManifest('# only a comment\n---\na: 1\n---\n---\n{"b": [1, 2]}\n', 'f.yaml');
  expect(documents.map(({ object, index, file }) => ({ object, index, file }))).toEqual([
    { object: { a: 1 }, index: 0, file: 'f.yaml' },
    { object: { b: [1, 2] }, index: 1, file: 'f.yaml' },
  ]);
  expect(parseManifest('', 'f.yaml')).toEqual([]);
});

test('every part can be located; what is missing is where it would be', () => {
  const [, document] = parseManifest(
    'x: 1\n---\nmetadata:\n  name: a\nspec:\n  targets: [n1,\n    n2]\n  env: {A: b}\n',
    'f.yaml',
  );
  expect(document?.locate('metadata.name')).toEqual({ line: 4, column: 3 });
  expect(document?.locate('spec.targets[1]')).toEqual({ line: 7, column: 5 });
  expect(document?.locate(['spec', 'env', 'A'])).toEqual({ line: 8, column: 9 });
  expect(document?.locate('spec.resources.memory')).toEqual({ line: 5, column: 1 });
  expect(document?.locate('')).toEqual({ line: 3, column: 1 });
});

test('the items of a List are objects of their own, with their own places', () => {
  const documents = parseManifest('kind: List\nitems:\n- kind: A\n- kind: B\n  spec: 1\n', 'f.yaml');
  expect(documents.map(({ object }) => object)).toEqual([{ kind: 'A' }, { kind: 'B', spec: 1 }]);
  expect(documents[1]?.locate('spec')).toEqual({ line: 5, column: 3 });
});

test('anchors, aliases and merge keys work, and are located through', () => {
  const [document] = parseManifest('base: &b\n  x: 1\nother: *b\nmerged:\n  <<: *b\n', 'f.yaml');
  expect(document?.object).toEqual({ base: { x: 1 }, other: { x: 1 }, merged: { x: 1 } });
  expect(document?.locate('other.x')).toEqual({ line: 2, column: 3 });
});

test('wrong YAML names its place, all of it', () => {
  expect(messageOf('a: 1\nb: [1\nc: }\n')).toMatch(
    /^f\.yaml:3:1: cannot be read as YAML: .*\nf\.yaml:3:4: cannot be read as YAML: /,
  );
  expect(messageOf('a: 1\n---\n\tb: 1\n')).toMatch(/^f\.yaml:3:1: cannot be read as YAML: Tabs/);
  expect(messageOf('a: !secret x')).toMatch(/^f\.yaml:1:4: cannot be read as YAML: Unresolved tag/);
  expect(messageOf('a: *b')).toBe('f.yaml:1:4: no anchor &b stands before this alias');
});

test('a key that stands twice is refused where it stands again', () => {
  expect(messageOf('a:\n  b: 1\n  b: 2\n')).toBe('f.yaml:3:3: this key stands here twice; keep one');
});

test.each([
  ['flow lists', '['.repeat(100_000)],
  ['closed flow lists', `${'['.repeat(65)}${']'.repeat(65)}`],
  ['flow maps', '{a: '.repeat(20_000)],
  ['block lists', '- '.repeat(10_000)],
  ['a list in itself', 'a: &a [*a]'],
])('nesting without end is one problem: %s', (_name, text) => {
  expect(messageOf(text)).toMatch(/^f\.yaml:1:\d+: lists and maps may be nested 64 deep at most$/);
});

test('nesting up to the limit is fine', () => {
  expect(messageOf(`${'['.repeat(64)}${']'.repeat(64)}`)).toBe('no error');
});

test('an alias bomb is refused before it unfolds', () => {
  const letters = 'abcdefghij'.split('');
  const lines = letters.map((letter, index) => {
    const entry = index === 0 ? 'x' : `*${letters[index - 1]}`;
    return `${letter}: &${letter} [${Array(10).fill(entry).join(', ')}]`;
  });
  expect(messageOf(lines.join('\n'))).toBe('f.yaml:1:1: aliases (*name) unfold to too much; write it out');
});

test('a problem carries its parts, and the error is Invalid', () => {
  try {
    parseManifest('a: 1\na: 2', 'f.yaml');
    expect.unreachable();
  } catch (error) {
    expect(error).toMatchObject({
      code: 'Invalid',
      problems: [{ file: 'f.yaml', line: 2, column: 1, field: '' }],
    });
  }
});
