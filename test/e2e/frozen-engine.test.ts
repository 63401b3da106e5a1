import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeTestImage, type OwnEngine, startEngine, stopEngine, testImage } from '../env/engine.ts';
import { eventually, Sandbox, task } from './sandbox.ts';
import { Terminal } from './shell/terminal.ts';

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)('a Docker Engine that hangs while River is ended', () => {
  const sandbox = new Sandbox();
  let engine: OwnEngine;

  beforeAll(async () => {
    engine = await startEngine();
    await makeTestImage(engine.socketPath);
    sandbox.env.DOCKER_HOST = `unix://${engine.socketPath}`;
  });
  afterAll(async () => {
    await sandbox.close();
    await stopEngine(engine);
  });

  it('river dev ends all the same, says what it left behind and why, and has lost nothing', async () => {
    const dev = await sandbox.dev();
    await sandbox.apply(task('goes-on', { runtime: 'docker', image: testImage, command: ['sleep', '7201'] }));
    await sandbox.apply({
      apiVersion: 'river.dev/v1',
      kind: 'Environment',
      metadata: { name: 'desk' },
      spec: { from: { image: testImage }, interactive: true },
    });
    await sandbox.ok('wait', 'env/desk', '--for', 'condition=ContainerReady', '--timeout', '60s');
    const isRunning = async () => (await sandbox.ok('get', 'task', 'goes-on')).includes('Running');
    await eventually('the task', 60_000, isRunning);
    const terminal = new Terminal(sandbox, ['shell', 'env/desk']);
    await terminal.shows('# ');

    process.kill(engine.pid, 'SIGSTOP');
    try {
      // What this asks for is under way when the host is told to end.
      await (await sandbox.client()).discard('desk');
      expect(await dev.stop()).toBe(0);
    } finally {
      process.kill(engine.pid, 'SIGCONT');
    }
    expect((await terminal.ended()).code).toBe(1);
    const said = dev.stderr
      .split('\n')
      .filter((line) => line.includes('is left behind'))
      .map((line) => JSON.parse(line) as { part: string; trouble?: string; waitsFor?: string[] });
    expect(said).toContainEqual(
      expect.objectContaining({
        part: 'control loops',
        waitsFor: ['environment/desk'],
        trouble: expect.stringContaining(`${engine.socketPath} takes requests and does not answer`),
      }),
    );

    await sandbox.dev();
    await eventually('what was asked for', 60_000, async () => {
      const { status } = await sandbox.object<{ status?: { request?: object } }>('env', 'desk');
      return status?.request === undefined;
    });
    expect(await isRunning()).toBe(true);
    await sandbox.ok('delete', 'task/goes-on');
  });
});
