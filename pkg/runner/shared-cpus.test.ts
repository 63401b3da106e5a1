import { describe, expect, test } from 'vitest';
import { sharedCpus } from './shared-cpus.ts';

const node = { allocatable: '0-7', isolated: '' };
const wanted = (...args: Parameters<typeof sharedCpus>) => Object.fromEntries(sharedCpus(...args));

describe('the CPUs of those who have none for themselves', () => {
  test('are all that can be given out while nobody pinned any', () => {
    expect(wanted([{ uid: 'a' }], node)).toEqual({ a: '0-7' });
  });

  test('are those that nobody pinned; whoever pinned is left alone', () => {
    const runs = [
      { uid: 'a' },
      { uid: 'p', cpus: '2-3', pinned: true },
      { uid: 'q', cpus: '6', pinned: true },
    ];
    expect(wanted(runs, node)).toEqual({ a: '0-1,4-5,7' });
  });

  test('stay within the NUMA nodes of a run', () => {
    const runs = [
      { uid: 'a', cpus: '0-3' },
      { uid: 'b', cpus: '4-7' },
      { uid: 'p', cpus: '0-1', pinned: true },
    ];
    expect(wanted(runs, node)).toEqual({ a: '2-3', b: '4-7' });
  });

  test('are all again when nothing is left', () => {
    expect(wanted([{ uid: 'a' }, { uid: 'p', cpus: '0-7', pinned: true }], node)).toEqual({ a: '0-7' });
    const confined = [
      { uid: 'a', cpus: '0-3' },
      { uid: 'p', cpus: '0-3', pinned: true },
    ];
    expect(wanted(confined, node)).toEqual({ a: '0-3' });
  });

  test('are isolated ones before any that somebody has pinned', () => {
    const pinned = { uid: 'p', cpus: '0-3', pinned: true };
    expect(wanted([{ uid: 'a' }, pinned], { allocatable: '0-7', isolated: '4-7' })).toEqual({ a: '4-7' });
  });

  test('are without isolated ones, unless there are no others', () => {
    expect(wanted([{ uid: 'a' }], { allocatable: '0-7', isolated: '4-7' })).toEqual({ a: '0-3' });
    expect(wanted([{ uid: 'a' }], { allocatable: '4-7', isolated: '4-7' })).toEqual({ a: '4-7' });
  });
});
