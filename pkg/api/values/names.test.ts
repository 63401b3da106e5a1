import { expect, test } from 'vitest';
import {
  environmentNameProblem,
  labelKeyProblem,
  labelValueProblem,
  nameProblem,
  namespaceProblem,
} from './names.ts';

const bad = ['', '-a', 'a-', 'A', 'a_b', 'a b', 'ä', 'a..b', '.a', 'a/b', 'a\n'];

test('names', () => {
  expect(['a', 'a-b', 'a.b-c.d', '0', 'x'.repeat(253)].map((name) => nameProblem(name))).toEqual(
    Array(5).fill(undefined),
  );
  for (const name of [...bad, 'x'.repeat(254)]) expect(nameProblem(name)).toBeTypeOf('string');
  expect(nameProblem('x'.repeat(53), 52)).toBe('must have at most 52 characters; found 53');
});

test('namespaces have no dots', () => {
  expect(namespaceProblem('lab-1')).toBeUndefined();
  for (const name of [...bad, 'a.b', 'x'.repeat(64)]) expect(namespaceProblem(name)).toBeTypeOf('string');
});

test('label keys', () => {
  for (const key of ['a', 'A_b.c', 'river.dev/task', 'x'.repeat(63)])
    expect(labelKeyProblem(key)).toBeUndefined();
  for (const key of ['', '/a', 'a/', 'a/b/c', 'A.b/c', '-a', 'x'.repeat(64), 'a b'])
    expect(labelKeyProblem(key)).toBeTypeOf('string');
});

test('label values', () => {
  for (const value of ['', 'a', 'A_b.c-1']) expect(labelValueProblem(value)).toBeUndefined();
  for (const value of ['-', 'a b', 'a/b', 'x'.repeat(64)])
    expect(labelValueProblem(value)).toBeTypeOf('string');
});

test('environment names', () => {
  for (const name of ['A', '_a1']) expect(environmentNameProblem(name)).toBeUndefined();
  for (const name of ['', '1A', 'A-B', 'A=B', 'A B'])
    expect(environmentNameProblem(name)).toBeTypeOf('string');
});
