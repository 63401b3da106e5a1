import { expect, test } from 'vitest';
import { seededRng } from '../../base/index.ts';
import { formatBytes, formatCores, formatQuantity, parseCores, parseQuantity } from './quantity.ts';

test.each([
  [0, 0],
  [1024, 1024],
  ['1024', 1024],
  ['1k', 1000],
  ['1Ki', 1024],
  ['512M', 512_000_000],
  ['512Mi', 536_870_912],
  ['4G', 4_000_000_000],
  ['4Gi', 4_294_967_296],
  ['1.5Gi', 1_610_612_736],
  ['0.1G', 100_000_000],
  ['1.123456789G', 1_123_456_789],
  ['2T', 2_000_000_000_000],
  ['7Pi', 7_881_299_347_898_368],
])('%s is %d bytes', (text, bytes) => {
  expect(parseQuantity(text)).toBe(bytes);
});

test.each(['', '8X', '8 G', '-1', '1e9', '512MB', '512m', '1K', '.5G', '5.', 'G', '1.5', 'NaN', '1Gi '])(
  '%s is refused with what would be right',
  (text) => {
    expect(() => parseQuantity(text)).toThrow(/^must be/);
  },
);

test('bytes are never rounded in silence', () => {
  expect(() => parseQuantity('0.1Gi')).toThrow(
    'must be a whole number of bytes; 0.1Gi is not, the nearest is 107374182',
  );
  expect(() => parseQuantity(1.5)).toThrow('must be a whole number of bytes');
  expect(() => parseQuantity('9Pi')).toThrow('must be below 8192Ti');
  expect(() => parseQuantity(-1)).toThrow('must be bytes');
});

test('formatting is the shortest exact text, and is read back as the same', () => {
  expect(formatQuantity(512_000_000)).toBe('512M');
  expect(formatQuantity(4 * 2 ** 30)).toBe('4Gi');
  expect(formatQuantity(0)).toBe('0');
  expect(formatQuantity(1001)).toBe('1001');
  const rng = seededRng(1);
  for (let round = 0; round < 2000; round += 1) {
    const bytes = rng.below(1000) * [1, 1000, 1024, 10 ** 6, 2 ** 20, 10 ** 9, 2 ** 30][rng.below(7)]!;
    expect(parseQuantity(formatQuantity(bytes))).toBe(bytes);
  }
});

test('for people bytes are rounded', () => {
  expect(formatBytes(0)).toBe('0');
  expect(formatBytes(1023)).toBe('1023');
  expect(formatBytes(16_700_000_000)).toBe('15.6Gi');
});

test('cores are thousandths', () => {
  expect([0, 1, 0.5, 0.001, 0.007, 1.1, 128].map(parseCores)).toEqual([0, 1000, 500, 1, 7, 1100, 128_000]);
  for (const cores of [-1, 0.0001, 1.0005, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => parseCores(cores)).toThrow('must be 0 or more cores in steps of 0.001');
  }
  for (let milliCores = 0; milliCores < 20_000; milliCores += 7) {
    expect(parseCores(Number(formatCores(milliCores)))).toBe(milliCores);
  }
});
