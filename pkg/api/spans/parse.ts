import { RiverError } from '../../base/index.ts';

/** A text with spans in it: `--lr=span:[0.1,0.01]` is `--lr=`, then one of two values, then nothing. */
export interface SpannedText {
  /** One more than `spans`: what stands before, between and behind them. */
  literals: string[];
  /** The values of each span, in the order of the text. None is empty. */
  spans: string[][];
}

/** More values than this in one span no Task and no command line can make use of. */
const valueLimit = 10_000;

const opening = /\\span:(?=[{[])|span:(?=[{[])/g;

/**
 * Finds `span:{1..3}` (whole numbers, both ends included; downwards too; `{0..10..5}` in steps; `{01..10}` of one
 * width, as in bash) and `span:[a,b]` (texts; `\,`, `\]` and `\\` stand for themselves) anywhere in a text. `\span:[`
 * is no span. Raises `Invalid` for one that is begun and is none.
 */
export function parseSpans(text: string): SpannedText {
  if (!text.includes('span:')) return { literals: [text], spans: [] };
  const parsed: SpannedText = { literals: [], spans: [] };
  let literal = '';
  let from = 0;
  for (const match of text.matchAll(opening)) {
    // Inside of a list: a value, not a span.
    if (match.index < from) continue;
    literal += text.slice(from, match.index);
    const start = match.index + match[0].length;
    if (match[0].startsWith('\\')) {
      literal += 'span:';
      from = start;
      continue;
    }
    const { values, end } = text[start] === '{' ? readRange(text, start) : readList(text, start);
    parsed.literals.push(literal);
    parsed.spans.push(values);
    literal = '';
    from = end;
  }
  parsed.literals.push(literal + text.slice(from));
  return parsed;
}

interface Read {
  values: string[];
  /** Behind the closing bracket. */
  end: number;
}

function refused(text: string, start: number, problem: string): RiverError {
  const found = text.slice(start, start + 40);
  return new RiverError(
    'Invalid',
    `has a span that is none: ${problem}; found "span:${found}". Write span:{1..3} or span:[a,b]; \\span: for the text itself`,
  );
}

function readRange(text: string, start: number): Read {
  const close = text.indexOf('}', start);
  if (close < 0) throw refused(text, start, 'it has no }');
  const match = /^\{(-?\d+)\.\.(-?\d+)(?:\.\.(\d+))?\}$/.exec(text.slice(start, close + 1));
  const numbers = match?.slice(1).map(Number) ?? [];
  if (!match || !numbers.every((number) => Number.isNaN(number) || Number.isSafeInteger(number)))
    throw refused(text, start, 'a range is two whole numbers with .. between them');
  const [first = 0, last = 0, step = 1] = numbers.map((number) => (Number.isNaN(number) ? 1 : number));
  if (step === 0) throw refused(text, start, 'its step must not be 0');
  const count = Math.floor(Math.abs(last - first) / step) + 1;
  if (count > valueLimit)
    throw refused(text, start, `it has ${count} values, at most ${valueLimit} are taken`);
  const sign = last < first ? -1 : 1;
  const width = paddedWidth(match[1] ?? '', match[2] ?? '');
  const values = Array.from({ length: count }, (_, index) => padded(first + sign * step * index, width));
  return { values, end: close + 1 };
}

/** 0 where neither end begins with a zero that counts for nothing. */
function paddedWidth(first: string, last: string): number {
  const digits = [first, last].map((end) => end.replace('-', ''));
  return digits.some((end) => end.length > 1 && end.startsWith('0'))
    ? Math.max(...digits.map((end) => end.length))
    : 0;
}

function padded(value: number, width: number): string {
  const digits = String(Math.abs(value)).padStart(width, '0');
  return value < 0 ? `-${digits}` : digits;
}

function readList(text: string, start: number): Read {
  const values: string[] = [];
  let value = '';
  for (let index = start + 1; index < text.length; index += 1) {
    const character = text[index] as string;
    if (character === '\\' && /[\],\\]/.test(text[index + 1] ?? '')) {
      index += 1;
      value += text[index];
    } else if (character === ',' || character === ']') {
      if (value.trim() === '') throw refused(text, start, 'a value of it is empty');
      values.push(value.trim());
      if (values.length > valueLimit) throw refused(text, start, `at most ${valueLimit} values are taken`);
      value = '';
      if (character === ']') return { values, end: index + 1 };
    } else value += character;
  }
  throw refused(text, start, 'it has no ]');
}
