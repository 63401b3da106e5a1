import { expect, test } from 'vitest';
import { LazyRecord } from './record.ts';
import { RecordCache } from './record-cache.ts';

const record = (name: string, size: number, version = 1) =>
  new LazyRecord('Task', 'a', name, version, 'x'.repeat(size));

test('drops what was used longest ago when it is full', () => {
  const cache = new RecordCache(100);
  cache.set(record('one', 40));
  cache.set(record('two', 40));
  cache.get('Task', 'a', 'one');
  cache.set(record('three', 40));
  const kept = ['one', 'two', 'three'].filter((name) => cache.get('Task', 'a', name));
  expect(kept).toEqual(['one', 'three']);
});

test('a new version takes the place of the old one and its room', () => {
  const cache = new RecordCache(100);
  for (let version = 1; version < 10; version += 1) cache.set(record('one', 60, version));
  cache.set(record('two', 40));
  expect(cache.get('Task', 'a', 'one')?.version).toBe(9);
  expect(cache.get('Task', 'a', 'two')).toBeDefined();
});

test('what is larger than the whole is not kept, nor its older version', () => {
  const cache = new RecordCache(100);
  cache.set(record('one', 60));
  cache.set(record('one', 101, 2));
  expect(cache.get('Task', 'a', 'one')).toBeUndefined();
});

test('what is read again shares what is kept of the same version, and only of that', () => {
  const cache = new RecordCache(100);
  const kept = record('one', 40, 2);
  cache.set(kept);
  expect(cache.known(record('one', 40, 2))).toBe(kept);
  const older = record('one', 40, 1);
  expect(cache.known(older)).toBe(older);
  const other = record('two', 40, 2);
  expect(cache.known(other)).toBe(other);
});
