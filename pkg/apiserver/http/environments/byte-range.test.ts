import { expect, test } from 'vitest';
import { byteRange } from './byte-range.ts';

test.each([
  ['bytes=0-0', { offset: 0, size: 1 }],
  ['bytes=2-4', { offset: 2, size: 3 }],
  ['bytes=2-', { offset: 2, size: 8 }],
  ['bytes=8-100', { offset: 8, size: 2 }],
  ['bytes=-3', { offset: 7, size: 3 }],
  ['bytes=-30', { offset: 0, size: 10 }],
  ['bytes=10-', 'unsatisfiable'],
  ['bytes=-0', 'unsatisfiable'],
  ['bytes=4-2', 'whole'],
  ['bytes=-', 'whole'],
  ['bytes=0-1,4-5', 'whole'],
  ['lines=0-1', 'whole'],
  [undefined, 'whole'],
])('%s of ten bytes', (header, expected) => {
  expect(byteRange(header, 10)).toEqual(expected);
});

test('an empty file has no part', () => {
  expect(byteRange('bytes=0-', 0)).toBe('unsatisfiable');
});
