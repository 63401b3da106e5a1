import fc from 'fast-check';
import { expect, test } from 'vitest';
import { copyOfJson } from './json-copy.ts';

const throughText = (value: unknown) => JSON.parse(JSON.stringify(value));

test('any JSON becomes what it is through text', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const copy = copyOfJson(value);
      if (copy !== undefined) expect(copy).toStrictEqual(throughText(value));
      else expect(JSON.stringify(value)).toContain('__proto__');
    }),
  );
});

test('a copy shares nothing, has no members that are undefined, and no negative zero', () => {
  const value = { list: [{ deep: -0 }], missing: undefined };
  const copy = copyOfJson(value) as typeof value;
  expect(copy).toStrictEqual({ list: [{ deep: 0 }] });
  expect(copy.list[0]).not.toBe(value.list[0]);
});

test.each([
  [{ at: new Date(0) }],
  [{ ratio: Number.NaN }],
  [[1, undefined]],
  [{ deep: { toJSON: () => 1 } }],
  [{ items: new Map() }],
  [JSON.parse('{ "__proto__": { "a": 1 } }')],
])('what text would change is left to text: %#', (value) => {
  expect(copyOfJson(value)).toBeUndefined();
});
