import { RiverError } from '../../base/index.ts';
import { scaleDecimal } from './decimal.ts';

const units: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
  Ki: 2n ** 10n,
  Mi: 2n ** 20n,
  Gi: 2n ** 30n,
  Ti: 2n ** 40n,
  Pi: 2n ** 50n,
};

const rule =
  'must be bytes: a whole number, or a number with k, M, G, T, P (1000-based) or Ki, Mi, Gi, Ti, Pi (1024-based), as in 512M or 4Gi';

/** Bytes, exactly. Raises `Invalid` for what is no quantity, not a whole number of bytes, or above 2^53 - 1. */
export function parseQuantity(quantity: number | string): number {
  const match = /^(\d+(?:\.\d+)?)(|[kMGTP]|[KMGTP]i)$/.exec(String(quantity));
  const unit = units[match?.[2] ?? ''];
  if (!match?.[1] || unit === undefined) throw new RiverError('Invalid', `${rule}; found ${quantity}`);
  const { whole, exact } = scaleDecimal(match[1], unit);
  if (!exact) {
    throw new RiverError(
      'Invalid',
      `must be a whole number of bytes; ${quantity} is not, the nearest is ${whole}`,
    );
  }
  if (whole > BigInt(Number.MAX_SAFE_INTEGER))
    throw new RiverError('Invalid', `must be below 8192Ti; found ${quantity}`);
  return Number(whole);
}

/** The shortest text that `parseQuantity` reads as exactly these bytes. */
export function formatQuantity(bytes: number): string {
  const value = BigInt(bytes);
  if (value === 0n) return '0';
  const texts = Object.entries(units)
    .filter(([, unit]) => value % unit === 0n)
    .map(([suffix, unit]) => `${value / unit}${suffix}`);
  return texts.reduce((shortest, text) => (text.length < shortest.length ? text : shortest));
}

/** For people: rounded to one decimal of the largest 1024-based unit that fits, as in 15.6Gi. */
export function formatBytes(bytes: number): string {
  const suffix = ['Pi', 'Ti', 'Gi', 'Mi', 'Ki'].find((name) => bytes >= Number(units[name]));
  if (!suffix) return `${bytes}`;
  return `${Math.round((bytes / Number(units[suffix])) * 10) / 10}${suffix}`;
}

/** Thousandths of a core. Raises `Invalid` for a negative number and for steps finer than 0.001. */
export function parseCores(cores: number): number {
  const milliCores = Math.round(cores * 1000);
  // 1e-6 absorbs binary fractions such as 0.007 * 1000; a finer step than 0.001 is always further off.
  if (!Number.isSafeInteger(milliCores) || cores < 0 || Math.abs(cores * 1000 - milliCores) > 1e-6) {
    throw new RiverError(
      'Invalid',
      `must be 0 or more cores in steps of 0.001, as in 4 or 0.5; found ${cores}`,
    );
  }
  return milliCores;
}

/** Cores from thousandths, as in 2 or 0.5. */
export function formatCores(milliCores: number): string {
  return String(milliCores / 1000);
}
