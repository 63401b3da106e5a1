import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { realClock, silentLogger } from '../../base/index.ts';
import { ExitWatch } from './exit-watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'river-exits-'));

afterAll(() => rmSync(folder, { recursive: true }));

const watches = () => process.getActiveResourcesInfo().filter((kind) => kind === 'FSEventWrap').length;

test('tells of a record, until it is closed', async () => {
  const before = watches();
  const watch = new ExitWatch(folder, realClock, silentLogger);
  const told: (string | undefined)[] = [];
  watch.onChange((uid) => told.push(uid));
  watch.open(async () => undefined);
  expect(watches()).toBe(before + 1);
  writeFileSync(join(folder, 'a'), '');
  await vi.waitFor(() => expect(told).toContain('a'));
  watch.close();
  await vi.waitFor(() => expect(watches()).toBe(before));
});

test('one that was closed before it was opened holds nothing, so that the program can end', () => {
  const before = watches();
  const watch = new ExitWatch(folder, realClock, silentLogger);
  watch.close();
  watch.open(async () => undefined);
  expect(watches()).toBe(before);
});
