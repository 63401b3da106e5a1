import { expect, test } from 'vitest';
import { seededRng } from '../../base/index.ts';
import { formatOrdinals, parseOrdinals } from './ordinals.ts';

test('ranges are joined and sorted', () => {
  expect(formatOrdinals([3, 1, 2, 7, 2])).toBe('1-3,7');
  expect(formatOrdinals([])).toBe('');
  expect([...parseOrdinals('0-3,5')]).toEqual([0, 1, 2, 3, 5]);
  expect(parseOrdinals(undefined).size).toBe(0);
});

test.each(['a', '1-', '-1', '3-1', '1,,2', '1 ,2', '0-99999999999'])('%s is refused', (text) => {
  expect(() => parseOrdinals(text)).toThrow('must be numbers and ranges, as in 0-411,413');
});

test('any set survives', () => {
  const rng = seededRng(3);
  for (let round = 0; round < 200; round += 1) {
    const set = new Set(Array.from({ length: rng.below(60) }, () => rng.below(80)));
    expect(parseOrdinals(formatOrdinals(set))).toEqual(new Set([...set].sort((a, b) => a - b)));
  }
});
