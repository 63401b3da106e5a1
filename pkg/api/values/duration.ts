import { RiverError } from '../../base/index.ts';
import { scaleDecimal } from './decimal.ts';

const units = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;
type Unit = keyof typeof units;

const rule = 'must be a time span of numbers with d, h, m, s or ms, biggest first, as in 90s, 1h30m or 7d';

/** Milliseconds. Raises `Invalid` for what is no time span, or finer than a millisecond. */
export function parseDuration(text: string): number {
  const refuse = () => new RiverError('Invalid', `${rule}; found ${text}`);
  if (!/^(\d+(\.\d+)?(ms|[dhms]))+$/.test(text)) throw refuse();
  let total = 0n;
  let previous = Number.POSITIVE_INFINITY;
  for (const [, digits, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)) {
    const unitMs = units[unit as Unit];
    const { whole, exact } = scaleDecimal(digits ?? '', BigInt(unitMs));
    if (unitMs >= previous || !exact) throw refuse();
    previous = unitMs;
    total += whole;
  }
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) throw refuse();
  return Number(total);
}

const withRest = (count: number, unit: string, rest: number, restUnit: string) =>
  rest === 0 ? `${count}${unit}` : `${count}${unit}${rest}${restUnit}`;

/** An age for tables, with the roundings of kubectl (apimachinery's `duration.HumanDuration`): 5s, 3m20s, 47h, 2d. */
export function formatAge(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const years = Math.floor(days / 365);
  if (seconds < 120) return `${seconds}s`;
  if (minutes < 10) return withRest(minutes, 'm', seconds % 60, 's');
  if (hours < 3) return `${minutes}m`;
  if (hours < 8) return withRest(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  if (days < 8) return withRest(days, 'd', hours % 24, 'h');
  if (years < 2) return `${days}d`;
  if (years < 8) return withRest(years, 'y', days % 365, 'd');
  return `${years}y`;
}

/** Age of a time in an object, or `<unknown>` without one, as kubectl prints it. */
export function ageOf(time: string | undefined, nowMs: number): string {
  return time ? formatAge(nowMs - Date.parse(time)) : '<unknown>';
}
