import { describe, expect, it } from 'vitest';
import { UsageError } from './errors.ts';
import { parseSelections } from './object-args.ts';

const parsed = (...words: string[]) =>
  parseSelections(words).map(({ resource, names }) => [resource.kind, ...names]);

describe('words after a verb', () => {
  it.each([
    [['tasks'], [['Task']]],
    [['Task'], [['Task']]],
    [['no'], [['Node']]],
    [['tasks.river.dev'], [['Task']]],
    [['task.river.dev/a'], [['Task', 'a']]],
    [['tasks,runs'], [['Task'], ['Run']]],
    [['task', 'a', 'b'], [['Task', 'a', 'b']]],
    [
      ['task/a', 'tasks/b', 'run/c'],
      [
        ['Task', 'a', 'b'],
        ['Run', 'c'],
      ],
    ],
  ])('%j', (words, expected) => {
    expect(parsed(...words)).toEqual(expected);
  });

  it.each([
    [[]],
    [['pods']],
    [['task/a', 'b']],
    [['task/']],
    [['/a']],
    [['task/a/b']],
    [['tasks,runs', 'a']],
  ])('refuses %j', (words) => {
    expect(() => parseSelections(words)).toThrow(UsageError);
  });
});
