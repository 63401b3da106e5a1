import { describe, expect, test } from 'vitest';
import { parseSpans } from './parse.ts';
import { sweepOf } from './product.ts';
import { taskSweep } from './task-sweep.ts';

const valuesOf = (text: string) => parseSpans(text).spans;

describe('a span', () => {
  test.each([
    ['span:{1..3}', ['1', '2', '3']],
    ['span:{3..1}', ['3', '2', '1']],
    ['span:{-1..1}', ['-1', '0', '1']],
    ['span:{0..10..4}', ['0', '4', '8']],
    ['span:{10..0..5}', ['10', '5', '0']],
    ['span:{08..10}', ['08', '09', '10']],
    ['span:{-01..1}', ['-01', '00', '01']],
    ['span:{7..7}', ['7']],
    ['span:{0..1}', ['0', '1']],
    ['span:[0.1, 0.01]', ['0.1', '0.01']],
    ['span:[one]', ['one']],
    ['span:[a\\,b,c\\],\\\\]', ['a,b', 'c]', '\\']],
    ['span:[a\\n]', ['a\\n']],
    ['span:[span:{1..2},{x}]', ['span:{1..2}', '{x}']],
  ])('%s', (text, values) => expect(valuesOf(text)).toEqual([values]));

  test('stands anywhere in a text, more than once', () => {
    expect(parseSpans('--lr=span:[1,2];span:{3..4}.')).toEqual({
      literals: ['--lr=', ';', '.'],
      spans: [
        ['1', '2'],
        ['3', '4'],
      ],
    });
  });

  test('is none without its bracket, or with a backslash', () => {
    expect(parseSpans('lifespan: span:x {1..2}')).toEqual({
      literals: ['lifespan: span:x {1..2}'],
      spans: [],
    });
    expect(parseSpans('\\span:[a] span:[b]')).toEqual({ literals: ['span:[a] ', ''], spans: [['b']] });
  });

  test.each([
    ['span:{1..}', 'two whole numbers'],
    ['span:{1.5..2}', 'two whole numbers'],
    ['span:{a..c}', 'two whole numbers'],
    ['span:{1..99999999999999999999}', 'two whole numbers'],
    ['span:{1..3', 'it has no }'],
    ['span:{1..3..0}', 'its step must not be 0'],
    ['span:{1..1000000}', 'it has 1000000 values, at most 10000'],
    ['span:[]', 'a value of it is empty'],
    ['span:[a,,b]', 'a value of it is empty'],
    ['span:[a,b', 'it has no ]'],
    ['span:[a\\]', 'it has no ]'],
  ])('%s is refused', (text, problem) => expect(() => parseSpans(text)).toThrow(problem));
});

describe('a sweep', () => {
  test('is the product of all spans, the last one fastest', () => {
    const sweep = sweepOf([
      { name: 'args[0]', text: 'span:[a,b]' },
      { name: 'args[1]', text: 'x' },
      { name: 'args[2]', text: 'span:{1..2}-span:[u,v,w]' },
    ]);
    expect(sweep.size).toBe(12);
    expect([0, 1, 3, 6, 11].map((point) => sweep.texts(point).join(' '))).toEqual([
      'a x 1-u',
      'a x 1-v',
      'a x 2-u',
      'b x 1-u',
      'b x 2-w',
    ]);
    expect(new Set(Array.from({ length: 12 }, (_, point) => sweep.texts(point).join(' '))).size).toBe(12);
    expect(sweep.values(11)).toEqual({ 'args[0]': 'b', 'args[2]': '2,w' });
  });

  test('of nothing is one point', () => {
    expect(sweepOf([]).size).toBe(1);
    expect(sweepOf([{ name: 'args[0]', text: 'x' }]).values(0)).toEqual({});
  });
});

describe('the sweep of a Task', () => {
  test('goes through command, args and env, never through the name of the program', () => {
    const sweep = taskSweep({
      command: ['span:[no,span]', 'span:[c1,c2]'],
      args: ['x', 'span:[a1,a2]'],
      env: { Z: 'span:[z1,z2]', B: 'span:[b1,b2]', A: 'plain' },
    });
    expect(sweep.size).toBe(16);
    expect(sweep.program(1)).toEqual({
      command: ['span:[no,span]', 'c1'],
      args: ['x', 'a1'],
      env: { A: 'plain', B: 'b1', Z: 'z2' },
    });
    expect(sweep.values(14)).toEqual({ 'command[1]': 'c2', 'args[1]': 'a2', 'env.B': 'b2', 'env.Z': 'z1' });
  });

  test('does not depend on the order in which env was written', () => {
    const [one, other] = [
      { A: 'span:[1,2]', B: 'span:[3,4]' },
      { B: 'span:[3,4]', A: 'span:[1,2]' },
    ].map((env) => taskSweep({ env }));
    expect(one?.program(1)).toEqual(other?.program(1));
  });

  test('leaves out what the Task leaves out', () => {
    expect(taskSweep({ args: ['x'] }).program(0)).toEqual({ args: ['x'] });
  });
});
