import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { addressOf, joinMachine, processesOnly, startHost } from './machines.ts';
import { eventually, Sandbox, task } from './sandbox.ts';

const sandbox = new Sandbox();
const disk = sandbox.path('disk');

/** A small file system of its own; only root may make one. */
function mountSmallDisk(): boolean {
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', disk], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env.RIVER_TEST_ALL === '1') throw error;
    return false;
  }
}

const mounted = mountSmallDisk();

afterAll(() => sandbox.close(() => mounted && execFileSync('umount', [disk])));

async function joinOnSmallDisk(): Promise<void> {
  const { server } = addressOf(
    await startHost(sandbox, ['listen: {port: 0}', 'defaults: {runtime: process}']),
  );
  sandbox.write('node1.yaml', `stateDir: ${join(disk, 'runner')}\n${processesOnly}\n`);
  await joinMachine(sandbox, 'node1', server);
  sandbox.start('runner', ['--config', 'node1.yaml']);
  const isThere = async () => (await sandbox.river('get', 'node', 'node1')).code === 0;
  await eventually('node1', 30_000, isThere);
  await sandbox.ok('wait', 'node/node1', '--for', 'condition=DiskPressure=False', '--timeout', '30s');
}

function fill(): void {
  for (const size of [1 << 20, 4096]) {
    for (let count = 0; statfsSync(disk).bavail * statfsSync(disk).bsize >= size; count += 1)
      writeFileSync(join(disk, `filler-${size}-${count}`), Buffer.alloc(size));
  }
}

describe.skipIf(!mounted)('a runner whose disk is full', () => {
  it('says so, gets nothing new, keeps what runs and how it ends, and goes on when there is room', async () => {
    await joinOnSmallDisk();
    const flag = sandbox.path('flag');
    const script = `#!/bin/sh\nuntil [ -e ${flag} ]; do sleep 0.1; done\nexit 7\n`;
    await sandbox.apply(task('runs', { script }));
    await sandbox.ok('wait', 'task/runs', '--for', 'phase=Running', '--timeout', '30s');
    fill();
    await sandbox.ok('wait', 'node/node1', '--for', 'condition=DiskPressure', '--timeout', '30s');
    expect(await sandbox.ok('describe', 'node/node1')).toContain('no new runs come until then');
    await sandbox.apply(task('waits', { command: ['true'] }));
    await sandbox.ok('wait', 'task/waits', '--for', 'condition=Scheduled=False', '--timeout', '30s');
    expect(await sandbox.ok('describe', 'task/waits')).toContain('DiskPressure (NoRoom)');
    expect((await sandbox.runOf('runs')).status).toMatchObject({ phase: 'Running' });
    writeFileSync(flag, '');
    for (const name of execFileSync('ls', [disk], { encoding: 'utf8' }).split('\n'))
      if (name.startsWith('filler')) rmSync(join(disk, name));
    await sandbox.ok('wait', 'task/waits', '--for', 'condition=Complete', '--timeout', '60s');
    await sandbox.ok('wait', 'task/runs', '--for', 'phase=Failed', '--timeout', '60s');
    expect((await sandbox.runOf('runs')).status).toMatchObject({ reason: 'NonZeroExit', exitCode: 7 });
  });
});
