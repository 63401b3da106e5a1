import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, describe, expect, test } from 'vitest';
import { RiverError, realClock, realRng } from '../../pkg/base/index.ts';
import { containerName, dockerExecutor } from '../../pkg/executor/docker/index.ts';
import type { ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import { outcomeOf } from '../../pkg/runner/outcome.ts';
import { withEngine } from '../env/engine.ts';
import {
  eventually,
  heldByKernel,
  heldLimits,
  kernelOf,
  makeSpec,
  output,
  temporaryFolder,
  untilExited,
  usable,
  warningsOnly,
} from './executor-parts.ts';

const { engine } = await withEngine();
const socketPath = engine?.socketPath ?? '/nowhere/docker.sock';
const docker = new Docker({ socketPath });
const folder = temporaryFolder();
const stateDir = join(folder.path, 'docker');
// Of this test run alone: an engine of the machine may hold containers of another one.
const clusterUid = realRng.uuid();
const isRoot = process.getuid?.() === 0;
const opened: Executor[] = [];
const { logger, warnings } = warningsOnly();

function open(more: { socketPath?: string; bootId?: string } = {}): Executor {
  const executor = dockerExecutor({
    ...{ socketPath, stateDir, clusterUid, clock: realClock, rng: realRng, logger, isRoot },
    count: () => {},
    ...more,
    bootId: () => more.bootId ?? 'this-boot',
  });
  opened.push(executor);
  return executor;
}

const { all, cpus, memoryNodes } = usable();
let count = 0;
const fresh = (more: Partial<ExecutionSpec>) =>
  makeSpec(folder.path, `u${count++}`, { clusterUid, runtime: 'docker', image: engine?.image, ...more });
const shell = (text: string, more: Partial<ExecutionSpec> = {}) =>
  fresh({ command: ['/bin/sh', '-c', text], ...more });
const container = (spec: ExecutionSpec) => docker.getContainer(containerName(clusterUid, spec.runUid));

/** Asks again, as a runner does, while the engine is busy with what a killed one has asked for. */
async function finish(executor: Executor, spec: ExecutionSpec) {
  await eventually('a start that is answered', async () => {
    const refused = await executor.start(spec).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refused !== undefined && !(refused instanceof RiverError && refused.transient)) throw refused;
    return refused === undefined;
  });
  return untilExited(executor, spec.runUid);
}

/** Until the program has written so much. */
const says = (spec: ExecutionSpec, text: string) =>
  eventually(text, async () => existsSync(spec.outPath) && readFileSync(spec.outPath, 'utf8').includes(text));

afterAll(async () => {
  if (engine) {
    const executor = open();
    for (const { runUid } of await executor.list()) {
      await executor.stop(runUid, 0);
      await executor.remove(runUid);
    }
  }
  for (const executor of opened) await executor.close();
  for (const hierarchy of ['memory', 'cpuacct', 'cpu', 'unified', '']) {
    expect(existsSync(join('/sys/fs/cgroup', hierarchy, `river-${clusterUid.slice(0, 12)}`))).toBe(false);
  }
  await engine?.release();
  folder.remove();
});

describe('without an engine', () => {
  test('the probe says so, calls may be tried again', async () => {
    const executor = open({ socketPath: '/nowhere/docker.sock' });
    expect(await executor.probe()).toMatchObject({ ready: false, reason: 'EngineUnreachable' });
    await expect(executor.start(shell('true'))).rejects.toMatchObject({
      code: 'ServiceUnavailable',
      transient: true,
    });
    await expect(executor.list()).rejects.toThrow('/nowhere/docker.sock');
  });
});

describe.skipIf(engine === undefined)('how it ended', () => {
  const executor = open();

  test('the probe gives the version', async () => {
    const { ServerVersion: version, DockerRootDir: dataDir } = await docker.info();
    expect(await executor.probe()).toMatchObject({ ready: true, version, dataDir });
  });

  test('an image whose registry cannot be reached may come later; nothing is started without it', async () => {
    const spec = shell('true', { image: '127.0.0.1:9/river-test/nosuch:7' });
    await expect(executor.prepare(spec, new AbortController().signal)).rejects.toMatchObject({
      transient: true,
      message: expect.stringContaining('127.0.0.1:9/river-test/nosuch:7'),
      details: { causes: [{ reason: 'ImagePullFailed' }] },
    });
    await expect(executor.start(spec)).rejects.toMatchObject({
      transient: true,
      details: { causes: [{ reason: 'ImageGone' }] },
    });
    expect(await executor.inspect(spec.runUid)).toBeUndefined();
  });

  test('a mount that the node does not have', async () => {
    const spec = shell('true', { mounts: [{ source: '/nowhere/at/all', target: '/data', readOnly: true }] });
    const ended = await executor.start(spec);
    expect(ended.startError?.message).toContain('/nowhere/at/all');
  });

  test('memory: the limit is exact, running into it is told, the peak is known', async () => {
    const memoryBytes = 32 * 1000 * 1000;
    const spec = shell('x=a; while :; do x=$x$x; done', { memoryBytes });
    const ended = await finish(executor, spec);
    expect(ended.signal).toBe('SIGKILL');
    // Some lives of an engine never hear from the kernel that a container runs out of memory: then its peak tells.
    const told = outcomeOf(ended, {}, { ...spec, spec }).message;
    if (!ended.oomKilled && isRoot) expect(told).toContain('It had reached its memory limit.');
    else expect(told).toContain('more memory than its limit');
    expect((await container(spec).inspect()).HostConfig).toMatchObject({
      Memory: memoryBytes,
      MemorySwap: memoryBytes,
    });
    if (isRoot) expect(ended.usage?.memoryPeak).toBeGreaterThan(20 * 1000 * 1000);
  });

  test.runIf(isRoot)('no group is left after removal', async () => {
    const spec = shell('cat /proc/self/cgroup');
    await finish(executor, spec);
    const parents = [...output(spec).out.matchAll(/:(\/river[^\n]*)\/[0-9a-f]{64}$/gm)].map(
      (match) => match[1] ?? '',
    );
    await executor.remove(spec.runUid);
    for (const parent of parents) {
      for (const root of ['memory', 'cpu', 'unified', '']) {
        expect(existsSync(join('/sys/fs/cgroup', root, parent))).toBe(false);
      }
    }
  });
});

describe.skipIf(engine === undefined)('what the engine is asked for', () => {
  const executor = open();

  test('limits, mounts, variables, names: as its inspect shows them', async () => {
    writeFileSync(join(folder.path, 'data'), 'from the node');
    const spec = fresh({
      command: ['cat', '/data'],
      args: ['/etc/hostname', 'a b'],
      env: { KEY: 'a "b" $c' },
      mounts: [{ source: join(folder.path, 'data'), target: '/data', readOnly: true }],
      workingDir: '/some/where',
      milliCores: 1500,
      memoryBytes: 123_456_512,
    });
    await finish(executor, spec);
    const { Config, HostConfig } = await container(spec).inspect();
    expect(Config).toMatchObject({
      Entrypoint: ['cat', '/data'],
      Cmd: ['/etc/hostname', 'a b'],
      WorkingDir: '/some/where',
      Env: expect.arrayContaining(['KEY=a "b" $c']),
      Labels: {
        'river.dev/run-uid': spec.runUid,
        'river.dev/cluster': clusterUid,
        'river.dev/namespace': 'default',
      },
    });
    expect(HostConfig).toMatchObject({
      NetworkMode: 'host',
      NanoCpus: 1_500_000_000,
      Memory: 123_456_512,
      MemorySwap: 123_456_512,
      Privileged: false,
      AutoRemove: false,
      LogConfig: { Type: 'local' },
    });
    expect(output(spec).out).toContain('from the node');
  });

  test('a script is executed by its #! line, with arguments as they are, and cannot be changed', async () => {
    const spec = fresh({
      script: '#!/bin/sh -e\nprintf "%s\\n" "$@"; echo x >>$0\n',
      args: ['a b', '$(id)', '*'],
    });
    expect((await finish(executor, spec)).exitCode).not.toBe(0);
    expect(output(spec).out).toBe('a b\n$(id)\n*\n');
    expect(output(spec).err).toContain('Read-only');
  });
});

describe.skipIf(engine === undefined)('output', () => {
  test('a connection that is cut is made again; what happened meanwhile is found', async () => {
    const sockets = new Set<Socket>();
    const proxyPath = join(folder.path, 'proxy.sock');
    const serve = async () => {
      const server = createServer((client) => {
        const upstream = connect(socketPath);
        for (const socket of [client, upstream]) {
          sockets.add(socket);
          socket.on('error', () => {});
          socket.on('close', () => [client, upstream].forEach((one) => void one.destroy()));
        }
        client.pipe(upstream).pipe(client);
      });
      server.listen(proxyPath);
      await once(server, 'listening');
      return server;
    };
    const first = await serve();
    const executor = open({ socketPath: proxyPath });
    const spec = shell('echo first; while [ ! -e /data/cut ]; do sleep 0.02; done; echo second; exit 6', {
      mounts: [{ source: folder.path, target: '/data', readOnly: true }],
    });
    await executor.start(spec);
    await says(spec, 'first');
    const closed = once(first, 'close');
    const before = warnings.length;
    first.close();
    for (const socket of sockets) socket.destroy();
    await closed;
    await eventually('the loss is noticed', async () =>
      warnings.slice(before).some(({ message }) => message.startsWith('lost the connection')),
    );
    writeFileSync(join(folder.path, 'cut'), '');
    await container(spec).wait();
    expect(await executor.probe()).toMatchObject({ ready: false });
    const second = await serve();
    const ended = await untilExited(executor, spec.runUid).catch(() => untilExited(executor, spec.runUid));
    expect(ended.exitCode).toBe(6);
    // The engine itself lived on, which root can see: nothing is missing.
    if (isRoot) expect(ended.note).toBeUndefined();
    expect(output(spec).out).toBe('first\nsecond\n');
    await executor.close();
    second.close();
  });
});

describe.skipIf(engine === undefined)('stop', () => {
  const executor = open();

  test('what was made and never started is gone', async () => {
    const spec = shell('echo never');
    await makeOnly(spec);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'created' });
    await executor.stop(spec.runUid, 0);
    expect(await executor.inspect(spec.runUid)).toBeUndefined();
    expect(existsSync(spec.outPath)).toBe(false);
  });
});

/** What a runner leaves that was killed between create and start. */
async function makeOnly(spec: ExecutionSpec): Promise<void> {
  const { createOptions } = await import('../../pkg/executor/docker/create-options.ts');
  await docker.createContainer(createOptions(spec, { bootId: 'this-boot', init: true, scriptPath: '' }));
}

describe.skipIf(engine === undefined)('exactly once', () => {
  test('a container that was made and not started is started', async () => {
    const executor = open();
    const spec = shell('echo once');
    await makeOnly(spec);
    expect(await finish(executor, spec)).toMatchObject({ exitCode: 0 });
    expect(output(spec).out).toBe('once\n');
  });

  test('a container of the same name that is not ours is left alone', async () => {
    const executor = open();
    const spec = shell('echo never');
    const name = containerName(clusterUid, spec.runUid);
    const foreign = await docker.createContainer({ name, Image: engine?.image ?? '', Cmd: ['true'] });
    expect(await executor.start(spec)).toMatchObject({
      state: 'exited',
      startError: { reason: 'NameTaken' },
    });
    expect(await executor.inspect(spec.runUid)).toBeUndefined();
    await executor.stop(spec.runUid, 0);
    await executor.remove(spec.runUid);
    expect((await foreign.inspect()).State.Status).toBe('created');
    await foreign.remove();
  });
});

test.skipIf(engine === undefined)('nothing was given up on the way', () => {
  const others = warnings.filter((warning) => !/lost the connection|cannot collect/.test(warning.message));
  expect(others).toEqual([]);
});

describe.skipIf(!engine)('what a run is bound to', () => {
  test('the kernel holds it to its CPUs and memory, and it gets the device nodes of its GPU', async () => {
    const executor = open();
    const gpus = [{ index: 0, uuid: 'other-0', devices: ['/dev/null'] }];
    const spec = shell('cat /proc/self/status; exit 0', { cpus, memoryNodes, gpus });
    expect(await finish(executor, spec)).toMatchObject({ exitCode: 0 });
    const said = readFileSync(spec.outPath, 'utf8');
    expect(said).toContain(`Cpus_allowed_list:\t${cpus}\n`);
    expect(said).toContain(`Mems_allowed_list:\t${memoryNodes}\n`);
    const { HostConfig } = await container(spec).inspect();
    expect(HostConfig.Devices).toMatchObject([{ PathOnHost: '/dev/null' }]);
    await executor.remove(spec.runUid);
  });

  test('what the kernel lets it have is shown while it runs', async () => {
    const executor = open();
    const gpus = [{ index: 0, uuid: 'other-0', devices: ['/dev/null'] }];
    const spec = shell('exec sleep 600', { cpus, memoryNodes, gpus, ...heldLimits });
    await executor.start(spec);
    expect(kernelOf((await container(spec).inspect()).State.Pid)).toEqual(heldByKernel());
    expect((await executor.inspect(spec.runUid))?.observed).toEqual({
      ...{ cpus, memoryNodes, cores: 0.5, memory: 49_999_872, gpus: ['/dev/null'] },
    });
    await executor.stop(spec.runUid, 0);
    expect((await executor.inspect(spec.runUid))?.observed).toBeUndefined();
    await executor.remove(spec.runUid);
  });

  test('one that was made on shared CPUs and never started begins on those that it was moved to', async () => {
    const executor = open();
    const spec = shell('exec sleep 600', { sharedCpus: cpus });
    await makeOnly(spec);
    await executor.confine(spec.runUid, all);
    await executor.start({ ...spec, sharedCpus: undefined });
    expect((await executor.inspect(spec.runUid))?.observed?.cpus).toBe(all);
    await executor.stop(spec.runUid, 0);
  });
});
