import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { Scripts } from './scripts.ts';

const folder = mkdtempSync(join(tmpdir(), 'river-scripts-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a script that is written again does not change under the program that reads it', async () => {
  const scripts = new Scripts(join(folder, 'a'));
  await scripts.open();
  await scripts.write('u', '#!/bin/sh\n');
  const reader = openSync(scripts.path('u'), 'r');
  await scripts.write('u', '#!/bin/bash\n');
  expect(readFileSync(reader, 'utf8')).toBe('#!/bin/sh\n');
  closeSync(reader);
  expect(readFileSync(scripts.path('u'), 'utf8')).toBe('#!/bin/bash\n');
  expect(statSync(scripts.path('u')).mode & 0o777).toBe(0o755);
  await scripts.remove('u');
  await scripts.remove('u');
});

test('a disk that refuses is named, and may do better later', async () => {
  const scripts = new Scripts('/dev/null/scripts');
  await expect(scripts.open()).rejects.toMatchObject({
    transient: true,
    message: expect.stringContaining('/dev/null/scripts'),
  });
});
