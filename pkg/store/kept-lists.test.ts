import { expect, test } from 'vitest';
import { KeptLists } from './kept-lists.ts';
import { LazyRecord } from './record.ts';

const record = (name: string, size = 10) => new LazyRecord('Task', 'a', name, 1, 'x'.repeat(size));

test('a list is kept until something of its kind is written', () => {
  const kept = new KeptLists();
  kept.keep('Task', kept.writes('Task'), [record('one')]);
  kept.written('Run');
  expect(kept.get('Task')?.map(({ name }) => name)).toEqual(['one']);
  kept.written('Task');
  expect(kept.get('Task')).toBeUndefined();
});

test('a list that was begun before a write is not kept', () => {
  const kept = new KeptLists();
  const writes = kept.writes('Task');
  kept.written('Task');
  kept.keep('Task', writes, [record('old')]);
  expect(kept.get('Task')).toBeUndefined();
});

test('what takes up much room is not kept, and what a caller does to its list afterwards does not matter', () => {
  const kept = new KeptLists();
  kept.keep('Task', 0, [record('large', 200_000), record('too', 100_000)]);
  expect(kept.get('Task')).toBeUndefined();
  const own = [record('one')];
  kept.keep('Task', 0, own);
  own.pop();
  expect(kept.get('Task')).toHaveLength(1);
});
