import { expect, it } from 'vitest';
import { colourState } from './colour.ts';
import { printable, TableWriter } from './table.ts';

it('aligns columns, also with the rows that came before, and by what is seen of a cell', () => {
  const table = new TableWriter();
  expect(
    table.format([
      ['NAME', 'STATUS'],
      ['long-name', 'Running'],
    ]),
  ).toBe('NAME        STATUS\nlong-name   Running\n');
  expect(table.format([['x', colourState('Failed', true), 'z']])).toBe(
    'x           \u001b[31mFailed\u001b[0m    z\n',
  );
});

it('shows control characters in place of obeying them', () => {
  expect(printable('a\u001b[2Jb\nc')).toBe('a\uFFFD[2Jb c');
});

it('colours only words that say a state, and only when asked', () => {
  expect(colourState('Failed', false)).toBe('Failed');
  expect(colourState('hello', true)).toBe('hello');
});
