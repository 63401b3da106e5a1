import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findProgram } from './command.ts';

const folder = mkdtempSync(join(tmpdir(), 'river-command-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'plain'), '');
writeFileSync(join(folder, 'program'), '');
chmodSync(join(folder, 'program'), 0o755);

test('a name is looked up in PATH, a path from the working directory', async () => {
  expect(await findProgram('program', `/nowhere:${folder}`, '/')).toBeUndefined();
  expect(await findProgram('./program', '', folder)).toBeUndefined();
  expect(await findProgram(join(folder, 'program'), '', '/')).toBeUndefined();
});

test('what cannot be executed has a reason and a sentence', async () => {
  expect((await findProgram('nosuch', folder, '/'))?.reason).toBe('CommandNotFound');
  expect((await findProgram('plain', folder, '/'))?.reason).toBe('CommandNotExecutable');
  expect((await findProgram('./program', '', '/'))?.message).toContain('./program');
});
