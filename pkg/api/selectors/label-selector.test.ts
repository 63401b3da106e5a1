import { expect, test } from 'vitest';
import { matchesLabels, parseLabelSelector, selectorToIndexLabels } from './label-selector.ts';

const labels = { app: 'web', tier: 'front', 'river.dev/task': 'hello', empty: '' };

test.each([
  ['', true],
  ['app=web', true],
  ['app==web', true],
  ['app=db', false],
  ['app = web , tier=front', true],
  ['app=web,tier=back', false],
  ['app!=db', true],
  ['app!=web', false],
  ['other!=x', true],
  ['app in (web,db)', true],
  ['app in (db)', false],
  ['other in (a)', false],
  ['app notin (db, cache)', true],
  ['app notin (web)', false],
  ['other notin (a)', true],
  ['app', true],
  ['other', false],
  ['!other', true],
  ['!app', false],
  ['empty=', true],
  ['river.dev/task=hello,app in (web,db),!other', true],
  ['toString', false],
])('%s → %s', (text, expected) => {
  expect(matchesLabels(parseLabelSelector(text), labels)).toBe(expected);
});

test('an object without labels is selected by what it lacks', () => {
  expect(matchesLabels(parseLabelSelector('!a,b!=c'), undefined)).toBe(true);
  expect(matchesLabels(parseLabelSelector('a'), undefined)).toBe(false);
});

test.each([
  'a=b=c',
  'a,',
  ',',
  'a in b',
  'a in (b',
  '=b',
  'a b',
  'a/b/c=d',
  'a=b c',
  '-a=b',
  'a=!',
  'A in (b),',
])('%s is refused', (text) => {
  expect(() => parseLabelSelector(text)).toThrow('label selector: cannot read');
});

test('the exact part goes to the index', () => {
  expect(selectorToIndexLabels(parseLabelSelector('a=b,c in (d),e in (f,g),!h,i!=j'))).toEqual({
    a: 'b',
    c: 'd',
  });
});
