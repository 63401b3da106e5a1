import { expect, it } from 'vitest';
import { LinePrefixer } from './line-prefix.ts';

function prefixed(...chunks: string[]): string {
  const prefixer = new LinePrefixer('[a] ');
  const parts = chunks.map((chunk) => prefixer.push(Buffer.from(chunk)));
  return Buffer.concat([...parts, prefixer.end()]).toString();
}

it('puts the prefix before every line, however the bytes come', () => {
  expect(prefixed('one\ntwo\n')).toBe('[a] one\n[a] two\n');
  expect(prefixed('o', 'ne\nt', 'wo', '\n')).toBe('[a] one\n[a] two\n');
  expect(prefixed('\n\n')).toBe('[a] \n[a] \n');
});

it('ends a last line that has no newline, and adds nothing to nothing', () => {
  expect(prefixed('one')).toBe('[a] one\n');
  expect(prefixed()).toBe('');
});

it('gives out a very long line in parts, with one prefix', () => {
  const prefixer = new LinePrefixer('[a] ');
  const first = prefixer.push(Buffer.alloc(100_000, 'x'));
  expect(first.length).toBe(100_004);
  expect(prefixer.push(Buffer.from('yy\nz\n')).toString()).toBe('yy\n[a] z\n');
});

it('keeps bytes that are no UTF-8', () => {
  const prefixer = new LinePrefixer('');
  expect([...prefixer.push(Uint8Array.of(0xff, 0xfe, 10))]).toEqual([0xff, 0xfe, 10]);
});
