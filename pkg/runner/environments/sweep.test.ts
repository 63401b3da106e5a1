import { expect, test } from 'vitest';
import { nextToGo } from './sweep.ts';

const record = (name: string, lastUsedAt: number) => ({ name, digest: `sha256:${name}`, lastUsedAt });
const records = [record('new', 90), record('old', 10), record('middle', 50)];
const rules = { nowMs: 100, keepUnusedMs: 60, isKept: () => false, isTight: false };

test('what was unused for too long goes, the longest first', () => {
  expect(nextToGo(records, rules)?.name).toBe('old');
  expect(nextToGo(records.slice(0, 1), rules)).toBeUndefined();
  expect(nextToGo(records, { ...rules, keepUnusedMs: 90 })).toBeUndefined();
  expect(nextToGo(records, { ...rules, keepUnusedMs: 0 })).toBeUndefined();
});

test('a full disk asks for the oldest, however young', () => {
  const tight = { ...rules, keepUnusedMs: 0, isTight: true };
  expect(nextToGo(records, tight)?.name).toBe('old');
  expect(nextToGo(records.slice(0, 1), tight)?.name).toBe('new');
});

test('what is kept never goes', () => {
  const isKept = ({ name }: { name: string }) => name === 'old';
  expect(nextToGo(records, { ...rules, isTight: true, isKept })?.name).toBe('middle');
  expect(nextToGo(records, { ...rules, isTight: true, isKept: () => true })).toBeUndefined();
});
