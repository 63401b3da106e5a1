import { expect, test } from 'vitest';
import { ageOf, formatAge, parseDuration } from './duration.ts';

test.each([
  ['90s', 90_000],
  ['10m', 600_000],
  ['2h', 7_200_000],
  ['7d', 604_800_000],
  ['1h30m', 5_400_000],
  ['1.5h', 5_400_000],
  ['0.1s', 100],
  ['250ms', 250],
  ['1d2h3m4s5ms', 93_784_005],
  ['0s', 0],
])('%s is %d ms', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds);
});

test.each(['', '5', '5 m', '-1s', '30m1h', '1h1h', '1w', 'm', '1.s', '0.0001s', '99999999999999d'])(
  '%s is refused',
  (text) => {
    expect(() => parseDuration(text)).toThrow('must be a time span of numbers with d, h, m, s or ms');
  },
);

test.each([
  [-5, '0s'],
  [5, '5s'],
  [119, '119s'],
  [120, '2m'],
  [200, '3m20s'],
  [600, '10m'],
  [3600 * 2 + 59 * 60, '179m'],
  [3600 * 3, '3h'],
  [3600 * 3 + 60, '3h1m'],
  [3600 * 8 + 60, '8h'],
  [3600 * 47, '47h'],
  [3600 * 48, '2d'],
  [3600 * 50, '2d2h'],
  [86_400 * 8 + 3600, '8d'],
  [86_400 * 400, '400d'],
  [86_400 * 731, '2y1d'],
  [86_400 * 365 * 9, '9y'],
])('an age of %d s is shown as kubectl does: %s', (seconds, text) => {
  expect(formatAge(seconds * 1000)).toBe(text);
});

test('age of a time in an object', () => {
  expect(ageOf('2026-01-01T00:00:00.000Z', Date.parse('2026-01-01T00:00:07Z'))).toBe('7s');
  expect(ageOf(undefined, 0)).toBe('<unknown>');
});
