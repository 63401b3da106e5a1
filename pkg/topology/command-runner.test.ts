import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandRunner } from './command-runner.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-commands-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const program = (text: string, mode: number) =>
  writeFileSync(join(folder, 'tool'), `#!/bin/sh\n${text}\n`, { mode });

describe('a program of the machine', () => {
  test('answers', async () => {
    program('echo "$1"; echo no >&2', 0o755);
    expect(await commandRunner(folder, 10_000)('tool', ['a b'])).toEqual({
      stdout: 'a b\n',
      stderr: 'no\n',
      end: 'ok',
    });
  });

  test('fails', async () => {
    program('exit 3', 0o755);
    expect(await commandRunner(folder, 10_000)('tool', [])).toMatchObject({ end: 'failed' });
  });

  test('is not there, or may not be run', async () => {
    expect(await commandRunner(folder, 10_000)('tool', [])).toMatchObject({ end: 'missing' });
    program('echo', 0o600);
    expect(await commandRunner(folder, 10_000)('tool', [])).toMatchObject({ end: 'missing' });
  });

  test('is killed when it takes too long', async () => {
    program('exec /bin/sleep 1000', 0o755);
    expect(await commandRunner(folder, 100)('tool', [])).toMatchObject({ end: 'timeout' });
  });
});
