import { expect, test } from 'vitest';
import { getCondition, isConditionTrue, setCondition } from './conditions.ts';

const ready = { type: 'Ready', status: 'True', reason: 'Up', message: 'It is up.' } as const;
const first = setCondition(undefined, ready, 't1');

test('a new condition is appended', () => {
  expect(first).toEqual([{ ...ready, lastTransitionTime: 't1' }]);
  expect(isConditionTrue(first, 'Ready')).toBe(true);
  expect(getCondition(first, 'Other')).toBeUndefined();
});

test('the same again is the same array', () => {
  expect(setCondition(first, { ...ready }, 't2')).toBe(first);
});

test('the time changes with status only, and the others stay', () => {
  const both = setCondition(first, { ...ready, type: 'DockerReady' }, 't2');
  const reworded = setCondition(both, { ...ready, message: 'Still up.' }, 't3');
  expect(reworded[0]).toEqual({ ...ready, message: 'Still up.', lastTransitionTime: 't1' });
  const down = setCondition(reworded, { ...ready, status: 'False' }, 't4');
  expect(down[0]?.lastTransitionTime).toBe('t4');
  expect(down[1]).toBe(both[1]);
  expect(first[0]?.status).toBe('True');
});
