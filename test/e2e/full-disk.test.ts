import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, statfsSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Task } from '../../pkg/api/index.ts';
import { eventually, Sandbox, task } from './sandbox.ts';

const sandbox = new Sandbox();
const disk = sandbox.path('disk');

/** A small file system of its own; only root may make one. */
function mountSmallDisk(): boolean {
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env.RIVER_TEST_ALL === '1') throw error;
    return false;
  }
}

const mounted = mountSmallDisk();

afterAll(async () => {
  await sandbox.close(() => {
    if (mounted) execFileSync('umount', [disk]);
  });
});

describe.skipIf(!mounted)('a full disk', () => {
  it('a write is refused as a whole with one sentence, reads go on, and it works again when there is space', async () => {
    await sandbox.dev('--state-dir', join(disk, 'state'));
    await sandbox.apply(task('before', { command: ['true'], suspend: true }));
    const filler = join(disk, 'filler');
    const leave = (bytes: number) => {
      const { bavail, bsize } = statfsSync(disk);
      const spare = bavail * bsize - bytes;
      if (spare > 0) writeFileSync(filler, Buffer.alloc(spare), { flag: 'a' });
      else truncateSync(filler, statSync(filler).size + spare);
    };
    leave(0);
    const script = `#!/bin/sh\n# ${'x'.repeat(200_000)}\n`;
    const bigger = JSON.stringify(task('before', { script, suspend: true }));
    const { code, stdout, stderr } = await sandbox.run('river', ['apply', '-f', '-'], bigger);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^river: The disk is full while writing to state directory [^\n]+\n$/);
    let last = '';
    await eventually('the host to look', 20_000, async () => {
      leave(200_000);
      last = `new-${randomUUID()}`;
      const added = JSON.stringify(task(last, { command: ['true'] }));
      const refused = await sandbox.run('river', ['apply', '-f', '-'], added);
      return /^river: The host takes nothing new, because [^\n]+\n$/.test(refused.stderr);
    });
    expect(await sandbox.ok('version')).toContain('Warning: The host takes nothing new');
    const { items } = await sandbox.object<{ items: Task[] }>('tasks');
    const names = items.map((each) => each.metadata.name);
    expect([names.includes('before'), names.includes(last)]).toEqual([true, false]);
    rmSync(filler);
    await eventually('room', 20_000, async () =>
      (await sandbox.apply(task('after', { command: ['true'] }))).includes('created'),
    );
    await sandbox.ok('wait', 'task/after', '--for', 'condition=Complete', '--timeout', '30s');
  });
});
