import { expect, test } from 'vitest';
import { parseMount } from './mounts.ts';

test('source, target, mode', () => {
  expect(parseMount('/a b:/c')).toEqual({ source: '/a b', target: '/c', readOnly: false });
  expect(parseMount('/a:/c:rw').readOnly).toBe(false);
  expect(parseMount('/a:/c:ro').readOnly).toBe(true);
});

test.each([
  '/a',
  'a:/b',
  '/a:b',
  '/a:/b:rx',
  '/a:/b:ro:z',
  ':/b',
  '/a:',
  '/a/../b:/c',
  '/a:/../c',
  '/a:/b:',
  '/a\0:/b',
  '/a:/',
  '/a://',
])('%j is refused', (text) => {
  expect(() => parseMount(text)).toThrow(/^(must|cannot) be/);
});
