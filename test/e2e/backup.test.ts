import { renameSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Task } from '../../pkg/api/index.ts';
import { type Running, Sandbox, task } from './sandbox.ts';

const sandbox = new Sandbox();
const stateDir = sandbox.path('state');
let dev: Running;

beforeAll(async () => {
  dev = await sandbox.dev('--state-dir', stateDir);
  sandbox.write('host.yaml', `stateDir: ${stateDir}/host\n`);
});

afterAll(() => sandbox.close());

const host = (...args: string[]) => sandbox.run('host', ['--config', 'host.yaml', ...args]);

it('a backup made while the host runs, restored: what it holds is there and finished work is not done again', async () => {
  const marks = sandbox.path('marks');
  await sandbox.apply(task('before', { command: ['sh', '-c', `echo x >>${marks}`] }));
  await sandbox.ok('wait', 'task/before', '--for', 'condition=Complete', '--timeout', '30s');
  expect(await host('backup', sandbox.path('copy'))).toMatchObject({ code: 0, stderr: '' });
  await sandbox.apply(task('after', { command: ['true'], suspend: true }));

  expect(await host('restore', sandbox.path('copy'))).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^river-host: .+\n$/),
  });
  await dev.stop();
  expect(await host('restore', sandbox.path('copy'))).toMatchObject({ code: 1 });
  renameSync(`${stateDir}/host`, `${stateDir}/host-old`);
  expect(await host('restore', sandbox.path('copy'))).toMatchObject({ code: 0, stderr: '' });

  dev = await sandbox.dev('--state-dir', stateDir);
  const { items } = await sandbox.object<{ items: Task[] }>('tasks');
  expect(items.map(({ metadata, status }) => [metadata.name, status?.phase])).toEqual([
    ['before', 'Succeeded'],
  ]);
  await sandbox.apply(task('next', { command: ['sh', '-c', `echo y >>${marks}`] }));
  await sandbox.ok('wait', 'task/next', '--for', 'condition=Complete', '--timeout', '30s');
  const { readFileSync } = await import('node:fs');
  expect(readFileSync(marks, 'utf8')).toBe('x\ny\n');
});

it('a backup is also made when no host runs, and never over a file', async () => {
  await dev.stop();
  expect(await host('backup', sandbox.path('copy-2'))).toMatchObject({ code: 0, stderr: '' });
  expect(await host('backup', sandbox.path('copy-2'))).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('exists'),
  });
});
