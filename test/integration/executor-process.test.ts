import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import type { ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import { processExecutor } from '../../pkg/executor/process/index.ts';
import { Records } from '../../pkg/executor/records/index.ts';
import { ExecutorTrial } from '../contract/executor-trial.ts';
import {
  cpusOf,
  eventually,
  heldByKernel,
  heldLimits,
  kernelOf,
  makeSpec,
  output,
  temporaryFolder,
  untilExited,
  usable,
} from './executor-parts.ts';

const folder = temporaryFolder();
const stateDir = join(folder.path, 'process');
const clusterUid = realRng.uuid();
const isRoot = process.getuid?.() === 0;
const trial = new ExecutorTrial({ kind: 'process', folder: folder.path, clusterUid, isRoot });
const opened: Executor[] = [];

function open(more: { bootId?: string; cgroupRoot?: string; stateDir?: string } = {}): Executor {
  const executor = processExecutor({
    stateDir,
    clusterUid,
    clock: realClock,
    logger: silentLogger,
    baseEnv: { PATH: '/usr/bin:/bin', HOME: '/nowhere', LANG: 'C.UTF-8' },
    ...more,
    bootId: () => more.bootId ?? 'this-boot',
  });
  opened.push(executor);
  return executor;
}

/** Like a machine without control groups. */
const plain = () => open({ cgroupRoot: '/nowhere', stateDir: join(folder.path, 'plain') });

/** The records as a runner leaves them that was killed before it went on. */
const recordsIn = (path: string) => new Records(path, () => undefined);

let count = 0;
const fresh = (more: Partial<ExecutionSpec>) => makeSpec(folder.path, `u${count++}`, { clusterUid, ...more });
const shell = (text: string, more: Partial<ExecutionSpec> = {}) =>
  fresh({ command: ['/bin/sh', '-c', text], ...more });

async function finish(executor: Executor, spec: ExecutionSpec) {
  await executor.start(spec);
  return untilExited(executor, spec.runUid);
}

function isThere(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] !== 'Z';
  } catch {
    return false;
  }
}

const { all, cpus, other, memoryNodes } = usable();
const hasTwo = other !== '';

/** Numbers that a program wrote into its output, when there are enough. */
const numbers = (spec: ExecutionSpec, enough: number) =>
  eventually('pids in the output', async () => {
    if (!existsSync(spec.errPath)) return false;
    const words = output(spec).out.trim().split(/\s+/).filter(Boolean).map(Number);
    return words.length >= enough && words;
  });

afterAll(async () => {
  for (const executor of [open(), plain()]) {
    for (const { runUid } of await executor.list()) {
      await executor.stop(runUid, 0);
      await executor.remove(runUid);
    }
  }
  for (const executor of opened) await executor.close();
  for (const hierarchy of ['memory', 'cpuacct', 'cpu', 'cpuset', 'freezer', 'unified', '']) {
    expect(existsSync(join('/sys/fs/cgroup', hierarchy, `river-${clusterUid.slice(0, 12)}`))).toBe(false);
  }
  folder.remove();
});

describe('how it ended', () => {
  const executor = open();

  test.each([
    ['exit 137', { exitCode: 137 }],
    ['kill -TERM $$', { signal: 'SIGTERM' }],
    ['kill -INT $$', { signal: 'SIGINT' }],
  ])('%s', async (text, expected) => {
    const spec = shell(text);
    const ended = await finish(executor, spec);
    expect(ended).toMatchObject({ state: 'exited', ...expected });
    await executor.remove(spec.runUid);
  });

  test.each([
    ['/etc/passwd', 'CommandNotExecutable'],
    ['exit', 'CommandNotFound'],
  ])('%s cannot be started', async (program, reason) => {
    const ended = await executor.start(fresh({ command: [program] }));
    expect(ended.startError?.reason).toBe(reason);
    expect(ended.startError?.message).toContain(program);
  });

  test('more arguments or environment than the kernel takes, which no later try will change', async () => {
    const long = fresh({ command: ['true'], env: { LONG: 'x'.repeat(200_000) } });
    expect((await executor.start(long)).startError).toMatchObject({
      reason: 'StartFailed',
      message: expect.stringContaining('longer than Linux allows'),
    });
  });

  test('a folder or an interpreter that is not there', async () => {
    const spec = fresh({ command: ['true'], workingDir: '/nowhere' });
    expect((await executor.start(spec)).startError?.reason).toBe('WorkingDirNotFound');
    const bad = await finish(executor, fresh({ script: '#!/nowhere/python\n' }));
    expect(bad.startError?.reason).toBe('CommandNotFound');
  });
});

describe('what the program sees', () => {
  const executor = open();

  test('exactly its variables, its arguments as they are, a fresh folder, no secret in the process list', async () => {
    const spec = fresh({
      script:
        '#!/bin/sh\nprintf "%s\\n" "$@"; env | sort; pwd >&2; tr "\\0" "\\n" </proc/$PPID/cmdline >&2\n',
      args: ['a b', '$(id)', '', '*', "'"],
      env: { SECRET: 's3cr3t value', HOME: '/mine' },
    });
    expect(await finish(executor, spec)).toMatchObject({ exitCode: 0 });
    const { out, err } = output(spec);
    const work = join(stateDir, 'runs', spec.runUid, 'work');
    expect(out).toBe(
      `a b\n$(id)\n\n*\n'\nHOME=/mine\nLANG=C.UTF-8\nPATH=/usr/bin:/bin\nPWD=${work}\nSECRET=s3cr3t value\n`,
    );
    expect(err.split('\n')[0]).toBe(work);
    expect(err).not.toContain('s3cr3t');
    await executor.remove(spec.runUid);
    expect(existsSync(work)).toBe(false);
  });
});

describe.runIf(isRoot)('control groups', () => {
  const executor = open();

  test('the memory limit is exact, and running into it is told', async () => {
    const spec = shell('x=a; while :; do x=$x$x; done', { memoryBytes: 32 * 1024 * 1024, milliCores: 500 });
    const ended = await finish(executor, spec);
    expect(ended).toMatchObject({ signal: 'SIGKILL', oomKilled: true });
    expect(ended.usage?.memoryPeak).toBeLessThanOrEqual(32 * 1024 * 1024);
    expect(ended.usage?.memoryPeak).toBeGreaterThan(24 * 1024 * 1024);
  });

  test('a program that is killed otherwise did not run out of memory', async () => {
    const ended = await finish(executor, shell('kill -KILL $$', { memoryBytes: 32 * 1024 * 1024 }));
    expect(ended.oomKilled).toBeUndefined();
  });

  test('the group is gone after removal', async () => {
    const spec = shell('cat /proc/self/cgroup');
    await finish(executor, spec);
    const path = /(?:memory|^0:):(\/river-[^\n]*)/m.exec(output(spec).out)?.[1];
    expect(path).toContain(spec.runUid);
    await executor.remove(spec.runUid);
    expect(existsSync(join('/sys/fs/cgroup/memory', path ?? ''))).toBe(false);
    expect(existsSync(join('/sys/fs/cgroup', path ?? ''))).toBe(false);
  });

  test('what is left in the background goes with the removal', async () => {
    const spec = shell('setsid sleep 1000 & echo $!');
    await finish(executor, spec);
    await executor.remove(spec.runUid);
    const [pid = 0] = await numbers(spec, 1);
    expect(isThere(pid)).toBe(false);
  });
});

describe('exactly once', () => {
  test('the runner and its process group get SIGINT and SIGTERM; the run goes on and its end is found', async () => {
    const spec = shell('echo $$; while [ ! -e go ]; do sleep 0.02; done; exit 9');
    const child = trial.child(spec);
    await numbers(spec, 1);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      if (child.exitCode === null && child.signalCode === null) process.kill(-(child.pid ?? 0), signal);
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    const executor = open();
    await executor.adopt(spec);
    expect((await executor.list()).find((one) => one.runUid === spec.runUid)).toMatchObject({
      state: 'running',
    });
    const ended = untilExited(executor, spec.runUid);
    writeFileSync(join(stateDir, 'runs', spec.runUid, 'work', 'go'), '');
    expect(await ended).toMatchObject({ exitCode: 9 });
  });

  test('a wrapper that comes after the stop executes nothing', async () => {
    const executor = open();
    const spec = shell('echo never');
    // Recorded, and its wrapper not spawned yet: what a crash between the two leaves.
    await recordsIn(stateDir).write(spec, 'this-boot');
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'created' });
    await executor.stop(spec.runUid, 0);
    expect(await executor.start(spec)).toMatchObject({ state: 'exited', startError: { reason: 'Stopped' } });
    expect(existsSync(spec.outPath)).toBe(false);
  });
});

describe.skipIf(!isRoot)('a full disk', () => {
  const small = join(folder.path, 'small');
  const fill = join(small, 'fill');
  const isMounted = () => readFileSync('/proc/mounts', 'utf8').includes(` ${small} `);
  let executor: Executor;

  beforeAll(async () => {
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
    executor = open({ stateDir: join(small, 'process') });
    await executor.list();
  });
  afterAll(async () => {
    rmSync(fill, { force: true });
    for (const { runUid } of await executor.list()) {
      await executor.stop(runUid, 0);
      await executor.remove(runUid);
    }
    await executor.close();
    // A wrapper has renamed its record a moment before it ends: until then the folder is in use.
    await eventually('nobody is in the folder', async () => {
      spawnSync('umount', [small]);
      return !isMounted();
    });
  });

  const fillUp = () => {
    expect(() => writeFileSync(fill, Buffer.alloc(1 << 20))).toThrow('ENOSPC');
  };

  test('the probe says so, nothing is started, and it is when there is room', async () => {
    const spec = shell('echo once');
    fillUp();
    expect(await executor.probe()).toMatchObject({
      ready: false,
      message: expect.stringContaining('ENOSPC'),
    });
    await expect(executor.start(spec)).rejects.toMatchObject({ transient: true });
    rmSync(fill);
    expect(await executor.probe()).toMatchObject({ ready: true });
    expect(await finish(executor, spec)).toMatchObject({ exitCode: 0 });
    expect(output(spec).out).toBe('once\n');
  });

  test('one that has no room for its claim leaves it free', async () => {
    const spec = shell('echo once');
    await recordsIn(join(small, 'process')).write(spec, 'this-boot');
    fillUp();
    await expect(executor.start(spec)).rejects.toThrow('is full');
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'created' });
    rmSync(fill);
    expect(await finish(executor, spec)).toMatchObject({ exitCode: 0 });
    expect(output(spec).out).toBe('once\n');
  });

  test.each([
    ['exit 3', { exitCode: 3 }],
    ['kill -KILL $$', { signal: 'SIGKILL' }],
  ])('full at the end (%s): the end is shown when there is room, as it was', async (end, expected) => {
    const spec = shell(`echo up; while [ ! -e ${folder.path}/end ]; do sleep 0.02; done; ${end}`);
    rmSync(join(folder.path, 'end'), { force: true });
    await executor.start(spec);
    await eventually('the program is up', async () => output(spec).out === 'up\n');
    fillUp();
    writeFileSync(join(folder.path, 'end'), '');
    const torn = join(small, 'process/runs', spec.runUid, 'exit');
    await eventually('a record without room', async () => existsSync(torn));
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'running' });
    rmSync(fill);
    expect(await untilExited(executor, spec.runUid)).toMatchObject(expected);
  });
});

describe('what a machine forgets', () => {
  test('the wrapper alone is killed: running until the program ends, then its end is unknown', async () => {
    const executor = open();
    const spec = shell('echo $PPID; echo $$; sleep 1000');
    await executor.start(spec);
    const [wrapper = 0, program = 0] = await numbers(spec, 2);
    process.kill(wrapper, 'SIGKILL');
    await eventually('the wrapper has gone', async () => !isThere(wrapper));
    if (isRoot) expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'running' });
    process.kill(program, 'SIGKILL');
    await executor.stop(spec.runUid, 0);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'exited', unknownEnd: 'RecordLost' });
    await executor.remove(spec.runUid);
  });

  test.skipIf(!isRoot)(
    'its folder is lost: what runs is seen, not started again, and can be stopped',
    async () => {
      const executor = open();
      const spec = shell('echo $PPID; sleep 1000');
      await executor.start(spec);
      const [wrapper = 0] = await numbers(spec, 1);
      rmSync(join(stateDir, 'runs', spec.runUid), { recursive: true });
      expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'running' });
      expect(await executor.start(spec)).toMatchObject({ state: 'running' });
      await executor.stop(spec.runUid, 20_000);
      expect(await executor.inspect(spec.runUid)).toBeUndefined();
      await eventually('the wrapper has gone', async () => !isThere(wrapper));
      await executor.remove(spec.runUid);
      expect(output(spec).out.trim()).toBe(String(wrapper));
    },
  );

  test('a torn claim of a dead wrapper is no running process', async () => {
    const executor = open();
    const spec = shell('echo never');
    const records = recordsIn(stateDir);
    await records.write(spec, 'this-boot');
    writeFileSync(join(records.folder(spec.runUid), 'started'), '');
    expect(await executor.start(spec)).toMatchObject({ state: 'exited', unknownEnd: 'RecordLost' });
    await executor.remove(spec.runUid);
    expect(readdirSync(join(stateDir, 'runs'))).not.toContain(spec.runUid);
  });
});

test.runIf(isRoot)('what the kernel lets it have is shown once its program runs', async () => {
  const executor = open();
  const env = { CUDA_VISIBLE_DEVICES: 'GPU-a,GPU-b' };
  const spec = shell('echo $$; exec sleep 600', { cpus, memoryNodes, env, ...heldLimits });
  await executor.start(spec);
  const [pid = 0] = await numbers(spec, 1);
  expect(kernelOf(pid)).toEqual(heldByKernel());
  const observed = await eventually(
    'its program',
    async () => (await executor.inspect(spec.runUid))?.observed,
  );
  expect(observed).toEqual({
    ...{ cpus, memoryNodes, cores: 0.5, memory: 49_999_872, gpus: ['GPU-a', 'GPU-b'] },
  });
  await executor.stop(spec.runUid, 0);
  expect((await executor.inspect(spec.runUid))?.observed).toBeUndefined();
  await executor.remove(spec.runUid);
});

test.runIf(isRoot && hasTwo)(
  'by a cpuset: neither the program nor its children can leave their CPUs',
  async () => {
    const executor = open();
    expect((await executor.probe()).message).toContain('by cpusets');
    const leave = `taskset --all-tasks --cpu-list --pid ${all} $$; taskset --cpu-list ${all} sleep 600 &`;
    const spec = shell(`${leave} taskset --cpu-list ${other} true; echo $$ $! $?; wait`, {
      cpus,
      memoryNodes,
    });
    await executor.start(spec);
    const [pid = 0, child = 0, refused] = await eventually('its children', async () => {
      const words = output(spec).out.trim().split('\n').at(-1)?.split(' ') ?? [];
      return words.length === 3 && words.map(Number);
    });
    expect([cpusOf(pid), cpusOf(child), refused]).toEqual([cpus, cpus, 1]);
    await executor.confine(spec.runUid, other);
    expect([cpusOf(pid), cpusOf(child)]).toEqual([other, other]);
    await executor.stop(spec.runUid, 0);
    await executor.remove(spec.runUid);
  },
);

test.runIf(isRoot && hasTwo)(
  'one that was started without is put into a cpuset when it is moved, with all that it has',
  async () => {
    const executor = open();
    const spec = shell('echo $$; sleep 600 & echo $!; while :; do sleep 0.01; done');
    await executor.start(spec);
    const pids = await numbers(spec, 2);
    await executor.confine(spec.runUid, cpus);
    for (const pid of pids) execFileSync('taskset', ['--cpu-list', '--pid', all, String(pid)]);
    expect(pids.map(cpusOf)).toEqual([cpus, cpus]);
    await executor.stop(spec.runUid, 0);
    await executor.remove(spec.runUid);
  },
);

test.runIf(isRoot)('CPUs that the machine does not have are refused with a sentence', async () => {
  const executor = open();
  const ended = await executor.start(shell('true', { cpus: '4000' }));
  expect(ended.startError).toMatchObject({ reason: 'BindingUnavailable' });
  expect(ended.startError?.message).toMatch(/CPUs 4000/);
});

test.runIf(hasTwo)('what has chosen some of its CPUs itself keeps them as long as it may', async () => {
  const executor = open();
  const spec = shell('echo $$; exec sleep 600');
  await executor.start(spec);
  const [pid = 0] = await numbers(spec, 1);
  await executor.confine(spec.runUid, all);
  execFileSync('taskset', ['--cpu-list', '--pid', cpus, String(pid)]);
  await executor.confine(spec.runUid, all);
  expect(cpusOf(pid)).toBe(cpus);
  await executor.confine(spec.runUid, other);
  expect(cpusOf(pid)).toBe(other);
  await executor.stop(spec.runUid, 0);
  await executor.remove(spec.runUid);
});
