import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, truncateSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment, Node } from '../../pkg/api/index.ts';
import { makeTestImage, type OwnEngine, startEngine, stopEngine, testImage } from '../env/engine.ts';
import { addressOf, joinMachine, startHost, writeRunnerConfig } from './machines.ts';
import { eventually, type Running, Sandbox, task } from './sandbox.ts';

const execute = promisify(execFile);

/**
 * A host and two nodes, each with an engine and a store of its own: node1 reads environments in the shared directory,
 * node2 over the network, and slowly.
 */
describe.skipIf(process.getuid?.() !== 0)('environments on nodes of their own', () => {
  const sandbox = new Sandbox();
  const engines: OwnEngine[] = [];
  const runners = new Map<string, Running>();
  let server = '';

  const docker = (engine: number, ...args: string[]) =>
    execute('docker', ['-H', `unix://${engines[engine]?.socketPath}`, ...args]);
  const environment = (name: string, steps: object[], more: object = {}) =>
    sandbox.apply({
      ...{ apiVersion: 'river.dev/v1', kind: 'Environment', metadata: { name } },
      spec: { from: { image: testImage }, steps, ...more },
    });
  const digestOf = async (name: string, except?: string) => {
    let digest: string | undefined;
    await eventually(`a digest of ${name}`, 60_000, async () => {
      digest = (await sandbox.object<Environment>('env', name)).status?.digest;
      return digest !== undefined && digest !== except;
    });
    return digest ?? '';
  };
  const nodeOf = (name: string) => sandbox.object<Node>('node', name);
  const tagOf = (name: string, digest: string) => `river/${name}:${digest.slice(7, 19)}`;
  const hasImage = (engine: number, tag: string) =>
    docker(engine, 'image', 'inspect', tag).then(
      () => true,
      () => false,
    );

  beforeAll(async () => {
    engines.push(...(await Promise.all([startEngine(), startEngine(), startEngine()])));
    await makeTestImage(engines[0]?.socketPath ?? '');
    mkdirSync(sandbox.path('shared'));
    const docker = `docker: {socket: ${engines[0]?.socketPath}}`;
    const lines = [`sharedDir: ${sandbox.path('shared')}`, docker, 'listen: {port: 0}'];
    server = addressOf(await startHost(sandbox, lines)).server;
    await join('node1', `sharedDir: ${sandbox.path('shared')}`, 1);
    await join('node2', 'environments: {bandwidth: 16M}', 2);
    await sandbox.ok('wait', 'nodes', '--all', '--for', 'condition=DockerReady', '--timeout', '30s');
  });

  afterAll(async () => {
    await sandbox.river('delete', 'tasks', '--all', '--timeout', '30s');
    await sandbox.close();
    await Promise.all(engines.map(stopEngine));
  });

  async function join(name: string, more: string, engine: number): Promise<void> {
    const runtimes = `runtimes: {docker: {socket: ${engines[engine]?.socketPath}}}`;
    writeRunnerConfig(sandbox, name, [runtimes, more]);
    await joinMachine(sandbox, name, server);
    start(name);
    await eventually(
      `node ${name}`,
      30_000,
      async () => (await sandbox.river('get', 'node', name)).code === 0,
    );
  }

  function start(name: string): void {
    runners.set(name, sandbox.start('runner', ['--config', `${name}.yaml`]));
  }

  it('the nodes say how their engines take images, and whether the directory is shared', async () => {
    await sandbox.ok('wait', 'nodes', '--all', '--for', 'condition=ImageStoreReady', '--timeout', '30s');
    await sandbox.ok('wait', 'node/node1', '--for', 'condition=SharedDirReady', '--timeout', '30s');
    expect((await nodeOf('node2')).status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'ImageStoreReady', status: 'True', reason: 'LoadsMissingLayers' }),
    );
  });

  it('both run what was just changed, each run keeps its digest, and the node shows what it has', async () => {
    await environment('both', [{ run: 'echo one > /what' }]);
    const first = await digestOf('both');
    const spec = { environment: 'both', targets: ['node1', 'node2'], command: ['cat', '/what'] };
    await sandbox.apply(task('before', spec));
    await sandbox.ok('wait', 'task/before', '--for', 'condition=Complete', '--timeout', '60s');
    await environment('both', [{ run: 'echo two > /what' }]);
    const second = await digestOf('both', first);
    await sandbox.apply(task('after', spec));
    await sandbox.ok('wait', 'task/after', '--for', 'condition=Complete', '--timeout', '60s');
    const seen = async (name: string) =>
      (await sandbox.runsOf(name))
        .map(({ spec, status }) => [spec.placement?.node, status?.environmentDigest])
        .sort();
    expect(await seen('after')).toEqual([
      ['node1', second],
      ['node2', second],
    ]);
    expect(await seen('before')).toEqual([
      ['node1', first],
      ['node2', first],
    ]);
    expect((await sandbox.ok('logs', 'task/after')).match(/two/g)).toHaveLength(2);
    for (const name of ['node1', 'node2'])
      await eventually(`the images of ${name}`, 30_000, async () => {
        const images = (await nodeOf(name)).status?.images ?? [];
        return [first, second].every((digest) => images.some((image) => image.digest === digest));
      });
  });

  it('the environment says which nodes have it', async () => {
    const digest = await digestOf('both');
    await eventually('its nodes', 30_000, async () => {
      const { nodes = [] } = (await sandbox.object<Environment>('env', 'both')).status ?? {};
      return ['node1', 'node2'].every((name) =>
        nodes.some((node) => node.name === name && node.digest === digest),
      );
    });
  });

  it('twenty runs at once wait for one load', async () => {
    await environment('many', [{ run: 'echo many > /what' }]);
    await digestOf('many');
    const spec = { environment: 'many', command: ['true'], resources: { cores: 0 }, targets: ['node1'] };
    const names = Array.from({ length: 20 }, (_none, index) => `many-${index}`);
    const manifests = names.map((name) => JSON.stringify(task(name, spec)));
    expect(await sandbox.run('river', ['apply', '-f', '-'], manifests.join('\n---\n'))).toMatchObject({
      code: 0,
    });
    for (const name of names)
      await sandbox.ok('wait', `task/${name}`, '--for', 'condition=Complete', '--timeout', '90s');
    const loads = runners
      .get('node1')
      ?.stderr.split('\n')
      .filter((line) => line.includes('an environment was loaded') && line.includes('"many"'));
    expect(loads).toHaveLength(1);
  });

  it('a run shows how far the load is; a runner killed meanwhile leaves nothing half, and goes on', async () => {
    await environment('large', [{ run: 'dd if=/dev/urandom of=/large bs=1M count=96' }]);
    const tag = tagOf('large', await digestOf('large'));
    await sandbox.apply(task('slow', { environment: 'large', targets: ['node2'], command: ['true'] }));
    await eventually('how far it is', 60_000, async () => {
      const [run] = await sandbox.runsOf('slow');
      const { reason, progress, phase } = run?.status ?? {};
      return phase === 'Preparing' && reason === 'LoadingEnvironment' && (progress?.bytes ?? 0) > 0;
    });
    expect(await sandbox.ok('describe', 'task/slow')).toMatch(/Loading environment large: [\d.]+ of \d+ MiB/);
    await runners.get('node2')?.stop('SIGKILL');
    expect(await hasImage(2, tag)).toBe(false);
    start('node2');
    await sandbox.ok('wait', 'task/slow', '--for', 'condition=Complete', '--timeout', '90s');
    expect(await hasImage(2, tag)).toBe(true);
    const [run] = await sandbox.runsOf('slow');
    expect(run?.status).toMatchObject({ phase: 'Succeeded' });
    expect(run?.status?.progress).toBeUndefined();
  });

  it('a tarball that is cut short or gone is told, and tried again until it is whole', async () => {
    await environment('broken', [{ run: 'dd if=/dev/urandom of=/some bs=1M count=4' }]);
    const digest = await digestOf('broken');
    const folder = sandbox.path('shared', 'environments');
    const file = `${folder}/${readdirSync(folder).find((each) => each.startsWith('broken-') && each.endsWith('.tar'))}`;
    await execute('cp', [file, `${file}.whole`]);
    truncateSync(file, 1_000_000);
    await sandbox.apply(task('hopes', { environment: 'broken', targets: ['node1'], command: ['true'] }));
    await eventually('that it is damaged', 60_000, async () => {
      const [run] = await sandbox.runsOf('hopes');
      return run?.status?.phase === 'Preparing' && run.status.reason === 'EnvironmentDamaged';
    });
    expect(await hasImage(1, tagOf('broken', digest))).toBe(false);
    renameSync(`${file}.whole`, file);
    await sandbox.ok('wait', 'task/hopes', '--for', 'condition=Complete', '--timeout', '60s');
  });

  it('an image that was removed by hand is loaded again', async () => {
    const digest = await digestOf('both');
    await docker(1, 'rmi', '-f', digest);
    const spec = { environment: 'both', targets: ['node1'], command: ['cat', '/what'] };
    await sandbox.apply(task('again', spec));
    await sandbox.ok('wait', 'task/again', '--for', 'condition=Complete', '--timeout', '60s');
    expect(await hasImage(1, tagOf('both', digest))).toBe(true);
  });

  it('prefetch: nodes have it before anything needs it', async () => {
    await environment('ahead', [{ run: 'echo ahead > /what' }], { prefetch: true });
    const tag = tagOf('ahead', await digestOf('ahead'));
    await eventually('it on both nodes', 60_000, async () => (await hasImage(1, tag)) && hasImage(2, tag));
  });

  it('a shared directory that is another one is told in the Node', async () => {
    mkdirSync(sandbox.path('other'));
    await join('node3', `sharedDir: ${sandbox.path('other')}`, 2);
    await eventually(
      'SharedDirReady',
      30_000,
      async () =>
        (await nodeOf('node3')).status?.conditions?.some(
          ({ type, status, reason }) =>
            type === 'SharedDirReady' && status === 'False' && reason === 'NotTheSame',
        ) ?? false,
    );
  });
});
