import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../../api/index.ts';
import { UsageError } from '../errors.ts';
import { parseWaitFor } from './wait-for.ts';

function task(phase: string, complete: 'True' | 'False', generation = 2, observedGeneration = 2): ApiObject {
  const condition = { type: 'Complete', status: complete, reason: 'x', message: '', lastTransitionTime: '' };
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name: 'a', generation },
    status: { phase, observedGeneration, conditions: [condition] },
  };
}

describe('wait --for', () => {
  it('condition: True unless another status is asked for', () => {
    expect(parseWaitFor('condition=Complete').met(task('Succeeded', 'True'))).toBe(true);
    expect(parseWaitFor('condition=complete=false').met(task('Running', 'False'))).toBe(true);
    expect(parseWaitFor('condition=Complete').met(task('Running', 'False'))).toBe(false);
  });

  it('does not take the status of an older spec for an answer', () => {
    expect(parseWaitFor('condition=Complete').met(task('Succeeded', 'True', 3, 2))).toBe(false);
    expect(parseWaitFor('phase=Succeeded').met(task('Succeeded', 'True', 3, 2))).toBe(false);
    expect(parseWaitFor('phase=Succeeded').impossible(task('Failed', 'False', 3, 2))).toBeUndefined();
  });

  it('says when it never can be', () => {
    expect(parseWaitFor('condition=Complete').impossible(task('Failed', 'False'))).toContain('Failed');
    expect(parseWaitFor('phase=Running').impossible(task('Succeeded', 'True'))).toContain('Succeeded');
    expect(parseWaitFor('condition=Failed').impossible(task('Running', 'False'))).toBeUndefined();
  });

  it('delete is met by absence only', () => {
    expect(parseWaitFor('delete').metByAbsence).toBe(true);
    expect(parseWaitFor('delete').met(task('Failed', 'False'))).toBe(false);
  });

  it.each([
    '',
    'deleted',
    'phase=Runnning',
    'condition',
    'condition=',
    'phase=a=b',
    'condition=a=b=c',
    'jsonpath={.a}',
  ])('refuses %j', (text) => {
    expect(() => parseWaitFor(text)).toThrow(UsageError);
  });
});
