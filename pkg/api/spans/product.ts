import { parseSpans, type SpannedText } from './parse.ts';

/** A text, and the name by which people know its place, as in `args[1]` or `env.SEED`. */
export interface Place {
  name: string;
  text: string;
}

/** All combinations of the values of all spans in some texts. The last span changes fastest. */
export interface Sweep {
  /** How many combinations; 1 where there is no span. May be larger than anything that can be made. */
  size: number;
  /** The texts of one combination, in the order of the places. */
  texts(point: number): string[];
  /** What the spans stand for in it: by the name of the place, several values of one text with a comma. None without spans. */
  values(point: number): Record<string, string>;
}

/** Raises `Invalid` for a text that has a span that is none. */
export function sweepOf(places: readonly Place[]): Sweep {
  const parsed = places.map(({ text }) => parseSpans(text));
  const sizes = parsed.flatMap(({ spans }) => spans.map((values) => values.length));
  const chosen = (point: number) => choices(parsed, sizes, point);
  return {
    size: sizes.reduce((product, size) => product * size, 1),
    texts: (point) => chosen(point).map((values, index) => join(parsed[index] as SpannedText, values)),
    values: (point) =>
      Object.fromEntries(
        chosen(point).flatMap((values, index) =>
          values.length > 0 ? [[places[index]?.name ?? '', values.join(',')]] : [],
        ),
      ),
  };
}

/** For each text the values of its spans: the digits of `point` in the mixed base of their sizes. */
function choices(parsed: readonly SpannedText[], sizes: readonly number[], point: number): string[][] {
  let rest = point;
  const digits = sizes.map(() => 0);
  for (let index = sizes.length - 1; index >= 0; index -= 1) {
    const size = sizes[index] as number;
    digits[index] = rest % size;
    rest = Math.floor(rest / size);
  }
  let next = 0;
  return parsed.map(({ spans }) => spans.map((values) => values[digits[next++] as number] as string));
}

function join({ literals }: SpannedText, values: readonly string[]): string {
  return literals.map((literal, index) => literal + (values[index] ?? '')).join('');
}
