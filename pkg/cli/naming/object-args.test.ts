import { describe, expect, it } from 'vitest';
import { UsageError } from '../errors.ts';
import { environmentName, parseSelections } from './object-args.ts';

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

describe('the one environment of a command', () => {
  it.each([[['env/py']], [['environments', 'py']]])('%j', (words) => {
    expect(environmentName(words, 'river commit env/py')).toBe('py');
  });

  it.each([
    [[], /^river: name one environment, as in "river commit env\/py"$/],
    [['py'], /^river: name one environment/],
    [['env'], /^river: name one environment/],
    [['env/a', 'env/b'], /^river: name one environment/],
    [['env/a', 'task/b'], /^river: name one environment/],
    [['task/a'], /^river: a task is none; name one environment/],
    [['nothing/a'], /^river: there is no kind "nothing"/],
  ])('refuses %j', (words, message) => {
    expect(() => environmentName(words, 'river commit env/py')).toThrow(message);
  });
});
