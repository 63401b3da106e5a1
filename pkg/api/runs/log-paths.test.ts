import { expect, test } from 'vitest';
import { logDirectory, logPaths } from './log-paths.ts';

test('output is in the shared directory, or beside the state where nothing is shared', () => {
  expect(logDirectory({ sharedDir: '/d', stateDir: '/s' })).toBe('/d/logs');
  expect(logDirectory({ stateDir: '/s' })).toBe('/s/logs');
  expect(logPaths('/d/logs', 'lab', 'a-1')).toEqual({
    out: '/d/logs/lab/a-1.out',
    err: '/d/logs/lab/a-1.err',
  });
});
