import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadOrCreateSshKey, parseSshKey } from './keys.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-keys-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('makes a key once, for its owner only', () => {
  const file = join(folder, 'node.key');
  const key = loadOrCreateSshKey(file, 'is of a test');
  expect(key.publicKey).toMatch(/^ssh-ed25519 [A-Za-z0-9+/]{68}$/);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(loadOrCreateSshKey(file, 'is of a test')).toEqual(key);
});

it('makes only keys that work: some that ssh2 makes do not', () => {
  for (let index = 0; index < 300; index++) {
    const { privateKey, publicKey } = loadOrCreateSshKey(join(folder, `${index}.key`), 'is of a test');
    const signature = parseSshKey(privateKey)?.sign('text') ?? Buffer.alloc(0);
    expect(parseSshKey(publicKey)?.verify('text', signature)).toBe(true);
  }
});

it('refuses a file that others may read, and one that is damaged', () => {
  const file = join(folder, 'node.key');
  loadOrCreateSshKey(file, 'is of a test');
  chmodSync(file, 0o644);
  expect(() => loadOrCreateSshKey(file, 'is of a test')).toThrow(
    /is of a test and others may read.*chmod 600/,
  );
  chmodSync(file, 0o600);
  writeFileSync(file, 'half');
  expect(() => loadOrCreateSshKey(file, 'is of a test')).toThrow(/damaged: remove it/);
});
