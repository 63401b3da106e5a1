import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../pkg/api/index.ts';
import { indexFile, indexTarball, readTarballIndex, tarballFile } from '../../pkg/environment/index.ts';
import { type TestEngine, withEngine } from '../env/engine.ts';
import { addressOf, startHost } from './machines.ts';
import { eventually, type Running, Sandbox } from './sandbox.ts';

const execute = promisify(execFile);
const found = await withEngine();
const nap = new Int32Array(new SharedArrayBuffer(4));

/** Looks without a pause that lets anything else of this process run: a state may last for a millisecond. */
function until(what: string, holds: () => boolean, withinMs = 60_000): void {
  const deadline = performance.now() + withinMs;
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`waited ${withinMs} ms for ${what}`);
    Atomics.wait(nap, 0, 0, 0.1);
  }
}

/** Without the folder that says whose they are. */
const filesIn = (folder: string) =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => !file.startsWith('.'))
        .sort()
    : [];

/** A kill is real: the host is stopped at the moment that is meant, looked at, and then killed. */
describe.skipIf(found.engine === undefined)('a host that is killed while it makes an environment', () => {
  const engine = found.engine as TestEngine;
  const docker = async (...args: string[]) =>
    (await execute('docker', ['-H', `unix://${engine.socketPath}`, ...args])).stdout;
  const sandbox = new Sandbox();
  const name = 'killed';
  const tarballs = sandbox.path('host', 'environments');
  const log = sandbox.path('host', 'builds', `${name}.log`);
  const said = () => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  const get = () => sandbox.object<Environment>('env', name);
  const apply = (steps: object[], more: object = {}) =>
    sandbox.apply({
      ...{ apiVersion: 'river.dev/v1', kind: 'Environment', metadata: { name } },
      spec: { from: { image: engine.image }, steps, keep: 1, ...more },
    });
  let host: Running;
  let scratch = '';
  let scratchBefore: string[] = [];

  let port = 0;
  const start = async () => {
    const docker = `docker: {socket: ${engine.socketPath}}`;
    host = await startHost(sandbox, [docker, `listen: {port: ${port}}`]);
    // What follows a build finds the next host again.
    port = addressOf(host).port;
  };
  const digestAfter = async (before?: string) => {
    let last: string | undefined;
    await eventually('the next digest', 60_000, async () => {
      const { metadata, status = {} } = await get();
      if (before !== undefined && status.digest === undefined) throw new Error('no digest is in use');
      last = status.digest;
      const isOfNow = status.phase === 'Ready' && status.observedGeneration === metadata.generation;
      return isOfNow && last !== undefined && last !== before;
    });
    return last ?? '';
  };

  /** Stops it as soon as `reached`, and kills it when `holds` then; else it goes on as if nothing had been. */
  const killWhen = async (what: string, reached: () => boolean, holds: () => boolean): Promise<boolean> => {
    const pid = host.child.pid ?? 0;
    until(what, reached);
    process.kill(pid, 'SIGSTOP');
    until('its stop', () => /^\d+ \(.*\) T/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8')));
    const isThere = holds();
    if (isThere) await host.stop('SIGKILL');
    else process.kill(pid, 'SIGCONT');
    return isThere;
  };

  /** The state of before is whole on the disk while no host is there, and in use when it is back. */
  const expectInUse = async (digest: string) => {
    const index = await readTarballIndex(indexFile(tarballs, name, digest));
    expect(index).toMatchObject({ digest, size: statSync(tarballFile(tarballs, name, digest)).size });
    await docker('image', 'inspect', `river/${name}:${digest.slice(7, 19)}`);
    await start();
    const { status } = await get();
    if (status?.phase !== 'Ready') expect(status?.digest).toBe(digest);
  };

  const expectWhole = async (digest: string, content: string) => {
    const file = tarballFile(tarballs, name, digest);
    const index = await readTarballIndex(indexFile(tarballs, name, digest));
    expect(await indexTarball(file, index as NonNullable<typeof index>)).toEqual(index);
    const image = `river/${name}:${digest.slice(7, 19)}`;
    expect(await docker('run', '--rm', '--network=host', image, 'cat', '/what')).toBe(content);
    const short = digest.slice(7, 19);
    await eventually('nothing else', 30_000, () => {
      const wanted = [`${name}-${short}.json`, `${name}-${short}.tar`];
      return JSON.stringify(filesIn(tarballs)) === JSON.stringify(wanted);
    });
    await eventually('no container of a step', 30_000, async () => {
      return !(await docker('ps', '-a', '--no-trunc', '--format', '{{.Command}}')).includes('/what');
    });
    await eventually('no file of the engine', 30_000, () =>
      filesIn(scratch).every((file) => scratchBefore.includes(file)),
    );
  };

  beforeAll(async () => {
    scratch = join((await docker('info', '--format', '{{.DockerRootDir}}')).trim(), 'tmp');
    scratchBefore = filesIn(scratch);
    await start();
    await apply([{ run: 'echo first > /what' }]);
    await digestAfter();
  });

  afterAll(async () => {
    await sandbox.river('delete', 'env', '--all', '--timeout', '30s');
    await sandbox.close();
    await engine.release();
  });

  it('within a step, between two, with half a tarball, and before anything speaks of a whole one', async () => {
    const good = await digestAfter();
    await apply([
      { run: 'echo built > /what' },
      { run: 'echo begun; sleep 1; dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null' },
    ]);
    const followed = sandbox.start('river', ['logs', '-f', `env/${name}`]);
    const hasBegun = () => said().includes('\nbegun\n');
    const between = () => said().includes('step 2/2: ') && !hasBegun();
    expect(await killWhen('the first step to end', between, between)).toBe(true);
    await expectInUse(good);

    const within = () => said().includes('step 1/2: run echo built > /what (as before)\n') && hasBegun();
    expect(await killWhen('a step that runs', within, within)).toBe(true);
    await expectInUse(good);

    let file: string | undefined;
    const half = () => {
      file = filesIn(tarballs).find((each) => each.endsWith('.partial'));
      return file !== undefined && statSync(join(tarballs, file)).size > 2 ** 20;
    };
    expect(await killWhen('half a tarball', half, half)).toBe(true);
    // As of a digest that nobody wants any more: nothing comes and is renamed over it.
    const unwanted = file?.replace(/-[0-9a-f]{12}\.tar/, '-0123456789ab.tar') ?? '';
    sandbox.write(`host/environments/${unwanted}`, 'half');
    await expectInUse(good);

    const digest = await digestAfter(good);
    expect((await get()).status?.steps?.map(({ cached }) => cached)).toEqual([true, true]);
    await expectWhole(digest, 'built\n');
    expect(await followed.ended).toBe(0);
    const output = followed.stdout.split('build of ').at(-1);
    expect(output).toMatch(/^[^ ]+Z\nstep 1\/2: [^\n]+ \(as before\)\nstep 2\/2: .*\npublished [^\n]+\n$/s);
    expect(output).toBe((await sandbox.ok('logs', `env/${name}`)).replace('build of ', ''));
  });

  it('between a tarball that has its name and the index beside it', async () => {
    let good = await digestAfter();
    // The moment lasts for as long as the disk needs to keep a name: it may be missed.
    for (let attempt = 1; ; attempt += 1) {
      expect(attempt).toBeLessThan(20);
      const before = filesIn(tarballs);
      const isNew = (end: string) =>
        filesIn(tarballs).some((file) => file.endsWith(end) && !before.includes(file));
      await apply([{ run: `echo ${attempt} > /what` }]);
      const unnamed = () => isNew('.tar') && !isNew('.json');
      if (await killWhen('a tarball', () => isNew('.tar'), unnamed)) {
        await expectInUse(good);
        return expectWhole(await digestAfter(good), `${attempt}\n`);
      }
      good = await digestAfter(good);
    }
  });

  it('right after the index is there', async () => {
    const good = await digestAfter();
    const before = filesIn(tarballs);
    const isNew = () => filesIn(tarballs).some((file) => file.endsWith('.json') && !before.includes(file));
    await apply([{ run: 'echo last > /what' }]);
    expect(await killWhen('an index', isNew, isNew)).toBe(true);
    await expectInUse(good);
    await expectWhole(await digestAfter(good), 'last\n');
  });

  it('within a commit: that is done once and wholly; an engine that has lost all has it back from the tarball', async () => {
    const container = `river-env-${name}`;
    const inside = (command: string) => docker('exec', container, 'sh', '-c', command);
    const atWork = (reason: string, digest?: string) =>
      eventually(`a container with reason ${reason}`, 60_000, async () => {
        const { status } = await get();
        const ready = status?.conditions?.find(({ type }) => type === 'ContainerReady');
        const isOfNow = status?.container?.phase === 'Running' && status.container.changes !== undefined;
        return isOfNow && ready?.reason === reason && status.container?.digest === (digest ?? status.digest);
      });
    await apply([{ run: 'echo last > /what' }], { interactive: true });
    const good = await digestAfter();
    await atWork('Running');
    await inside('echo by hand > /what; dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null');

    const half = () => filesIn(tarballs).some((each) => each.endsWith('.partial'));
    const committing = sandbox.start('river', ['commit', `env/${name}`, '-m', 'by hand']);
    expect(await killWhen('half a tarball', half, half)).toBe(true);
    await committing.stop();
    expect(await inside('cat /what')).toBe('by hand\n');
    await expectInUse(good);
    const digest = await digestAfter(good);
    const { status } = await get();
    expect(status?.history?.[0]).toMatchObject({
      digest,
      commit: { message: 'by hand', parentDigest: good },
    });
    expect(status?.request).toBeUndefined();
    const [cluster] = readdirSync(join(tarballs, '.clusters'));
    const key = `label=river.dev/step=${cluster}/commit-${status?.history?.[0]?.commit?.id}`;
    const committed = await docker('images', '-aq', '--no-trunc', '--filter', key);
    // Once for each of its names.
    expect([...new Set(committed.trim().split('\n'))]).toEqual([digest]);
    await atWork('Running', digest);
    await expectWhole(digest, 'by hand\n');

    await inside('touch /lost');
    await eventually(
      'it in the status',
      30_000,
      async () => (await get()).status?.container?.changes?.added === 1,
    );
    await host.stop('SIGKILL');
    await docker('rm', '-f', container);
    await docker('rmi', '-f', digest);
    await start();
    await atWork('MadeAnew', digest);
    expect(await inside('cat /what')).toBe('by hand\n');
  });
});
