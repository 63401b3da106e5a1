import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestEngine, withEngine } from '../env/engine.ts';
import { eventually, example, Sandbox, task } from './sandbox.ts';

const execute = promisify(execFile);
const found = await withEngine();
const exampleImage = 'busybox:latest';

describe.skipIf(found.engine === undefined)('tasks in docker', () => {
  const engine = found.engine as TestEngine;
  const docker = (...args: string[]) => execute('docker', ['-H', `unix://${engine.socketPath}`, ...args]);
  let sandbox: Sandbox;
  /** The image of the example was there before: it stays. */
  let hadImage = false;

  beforeAll(async () => {
    sandbox = new Sandbox({ DOCKER_HOST: `unix://${engine.socketPath}` });
    hadImage = await docker('image', 'inspect', exampleImage).then(
      () => true,
      () => false,
    );
    if (!hadImage) await docker('tag', engine.image, exampleImage);
    await sandbox.dev();
  });

  afterAll(async () => {
    await sandbox.river('delete', 'tasks', '--all', '--timeout', '20s');
    await sandbox.close();
    if (!hadImage) await docker('rmi', exampleImage);
    await engine.release();
  });

  it('the example: created, run, its output', async () => {
    expect(await sandbox.ok('apply', '-f', example('docker.yaml'))).toContain('created');
    await sandbox.ok('wait', 'task/in-docker', '--for', 'condition=Complete', '--timeout', '60s');
    expect(await sandbox.ok('logs', 'in-docker')).toMatch(/^hello from a container on \S+, in \/tmp\n$/);
    expect(await sandbox.ok('get', 'task', 'in-docker', '-o', 'wide')).toMatch(
      / docker +<none> +busybox:latest /,
    );
  });

  it('stop ends the container, delete leaves nothing of it', async () => {
    await sandbox.apply(task('endless', { image: engine.image, command: ['sleep', '600'] }));
    await sandbox.ok('wait', 'task/endless', '--for', 'phase=Running', '--timeout', '60s');
    await sandbox.ok('stop', 'endless');
    await sandbox.ok('wait', 'task/endless', '--for', 'phase=Stopped', '--timeout', '60s');
    const uid = (await sandbox.runOf('endless')).metadata.uid ?? '';
    await sandbox.ok('delete', 'task/endless', '--timeout', '60s');
    const { stdout } = await docker('ps', '-aq', '--filter', `label=river.dev/run-uid=${uid}`);
    expect([uid.length > 0, stdout]).toEqual([true, '']);
  });

  it('an image that can never be there fails the run with its name', async () => {
    await sandbox.apply(task('no-image', { image: 'scratch', command: ['true'] }));
    const { code, stderr } = await sandbox.river(
      'wait',
      'task/no-image',
      '--for',
      'condition=Complete',
      '--timeout',
      '60s',
    );
    expect([code, stderr.includes('Failed')]).toEqual([1, true]);
    expect(await sandbox.ok('describe', 'task/no-image')).toContain('The node has no image scratch');
  });

  it('a registry that does not answer: the run says so and is tried again, and can be deleted', async () => {
    await sandbox.apply(task('away', { image: 'localhost:9/nowhere:1', command: ['true'] }));
    await eventually('a pull that has failed', 60_000, async () => {
      return (await sandbox.runOf('away')).status?.reason === 'ImagePullFailed';
    });
    expect((await sandbox.runOf('away')).status).toMatchObject({
      phase: 'Preparing',
      message: expect.stringContaining('localhost:9/nowhere:1'),
    });
    await sandbox.ok('delete', 'task/away', '--timeout', '60s');
    expect(await sandbox.runsOf('away')).toEqual([]);
  });
});
