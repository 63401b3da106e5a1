import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { enginesAlive } from './engine-lives.ts';

let proc: string;

beforeEach(() => {
  proc = mkdtempSync(join(tmpdir(), 'river-proc-'));
});
afterEach(() => rmSync(proc, { recursive: true }));

function add(pid: number, name: string, { state = 'S', startTime = 100 } = {}): void {
  mkdirSync(join(proc, String(pid)));
  const between = Array.from({ length: 18 }, (_, index) => index).join(' ');
  writeFileSync(join(proc, String(pid), 'stat'), `${pid} (${name}) ${state} ${between} ${startTime} 0 0\n`);
}

test('an engine that was started anew is another, also under the same pid, and after a reboot', async () => {
  add(1, 'systemd');
  add(70, 'dockerd', { startTime: 500 });
  const first = await enginesAlive('boot', proc);
  expect(await enginesAlive('boot', proc)).toBe(first);
  expect(await enginesAlive('next boot', proc)).not.toBe(first);
  rmSync(join(proc, '70'), { recursive: true });
  add(70, 'dockerd', { startTime: 501 });
  expect(await enginesAlive('boot', proc)).not.toBe(first);
});

test('only engines count, and not those that have ended', async () => {
  add(2, 'my (dockerd) S');
  add(3, 'dockerd', { state: 'Z' });
  writeFileSync(join(proc, 'uptime'), '');
  mkdirSync(join(proc, '9'));
  expect(await enginesAlive('boot', proc)).toBeUndefined();
  expect(await enginesAlive('boot', join(proc, 'nothing'))).toBeUndefined();
});

test('the order in which they are found does not matter', async () => {
  add(11, 'dockerd');
  add(5, 'dockerd');
  expect(await enginesAlive('boot', proc)).toBe('boot 11:100 5:100');
});
