import { RiverError } from '../../base/index.ts';

/** More than any Task makes; keeps a damaged text from filling the memory. */
const limit = 10_000_000;

/** The numbers of a text such as `0-411,413`; none for '' or undefined. Raises `Invalid`. */
export function parseOrdinals(text: string | undefined): Set<number> {
  const ordinals = new Set<number>();
  if (!text) return ordinals;
  for (const part of text.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part);
    const first = Number(match?.[1]);
    const last = Number(match?.[2] ?? match?.[1]);
    if (!match || last < first || last >= limit) {
      throw new RiverError('Invalid', `must be numbers and ranges, as in 0-411,413; found ${part}`);
    }
    for (let ordinal = first; ordinal <= last; ordinal += 1) ordinals.add(ordinal);
  }
  return ordinals;
}

/** The shortest text for these numbers, in order: `0-411,413`; '' for none. */
export function formatOrdinals(ordinals: Iterable<number>): string {
  const sorted = [...new Set(ordinals)].sort((left, right) => left - right);
  const ranges: { first: number; last: number }[] = [];
  for (const ordinal of sorted) {
    const range = ranges.at(-1);
    if (range && ordinal === range.last + 1) range.last = ordinal;
    else ranges.push({ first: ordinal, last: ordinal });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
