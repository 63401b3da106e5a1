import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readTokenFile } from './token-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'river-token-'));
afterAll(() => rmSync(folder, { recursive: true }));

function tokenFile(name: string, text: string, mode: number): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

test("the owner's file is read", () => {
  expect(readTokenFile(tokenFile('good', ' river_abc\n', 0o600))).toBe('river_abc');
});

test.each([0o640, 0o604, 0o644, 0o620])('mode %o is refused, without the token in the message', (mode) => {
  const file = tokenFile(`open-${mode}`, 'river_secret', mode);
  expect(() => readTokenFile(file)).toThrow(`run chmod 600 ${file}`);
  expect(() => readTokenFile(file)).not.toThrow('secret');
});

test('a missing and an empty one', () => {
  expect(() => readTokenFile(join(folder, 'missing'))).toThrow('the token file cannot be read: ENOENT');
  expect(() => readTokenFile(tokenFile('empty', '\n', 0o600))).toThrow('is empty');
});
