import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock, realRng, silentLogger, sleep } from '../../pkg/base/index.ts';
import type { ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import { processExecutor } from '../../pkg/executor/process/index.ts';
import { Records } from '../../pkg/executor/records/index.ts';
import {
  cpusOf,
  eventually,
  heldByKernel,
  heldLimits,
  kernelOf,
  makeSpec,
  output,
  seenComputing,
  temporaryFolder,
  untilExited,
} from './executor-parts.ts';

const folder = temporaryFolder();
const stateDir = join(folder.path, 'process');
const clusterUid = realRng.uuid();
const isRoot = process.getuid?.() === 0;
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
    ['exit 0', { exitCode: 0 }],
    ['exit 3', { exitCode: 3 }],
    ['exit 127', { exitCode: 127 }],
    ['exit 137', { exitCode: 137 }],
    ['kill -KILL $$', { signal: 'SIGKILL' }],
    ['kill -TERM $$', { signal: 'SIGTERM' }],
    ['kill -INT $$', { signal: 'SIGINT' }],
    ['kill -SEGV $$', { signal: 'SIGSEGV' }],
  ])('%s', async (text, expected) => {
    const spec = shell(text);
    const ended = await finish(executor, spec);
    expect(ended).toMatchObject({ state: 'exited', runName: spec.runName, ...expected });
    expect('exitCode' in ended && 'signal' in ended).toBe(false);
    expect(ended.finishedAt).toBeGreaterThanOrEqual(ended.startedAt ?? Number.POSITIVE_INFINITY);
    await executor.remove(spec.runUid);
    expect(await executor.inspect(spec.runUid)).toBeUndefined();
  });

  test.each([
    ['nosuch-program', 'CommandNotFound'],
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

  test('a big output is whole', async () => {
    const spec = shell('seq 1 200000; seq 1 1000 >&2');
    await finish(executor, spec);
    expect(output(spec).out.length).toBe(1_288_895);
    expect(output(spec).err.length).toBe(3893);
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

  test.each([['with', executor, 0.5] as const, ['without', plain(), 1] as const])(
    'what it uses is seen while it runs, %s control groups',
    async (_which, each, about) => {
      const spec = shell('while :; do :; done', { milliCores: 500 });
      await each.start(spec);
      await seenComputing(each, spec.runUid, about);
      await each.stop(spec.runUid, 0);
      await each.remove(spec.runUid);
      expect(await each.usage([spec.runUid])).toEqual(new Map());
    },
  );

  test('CPU time is counted; the group is gone after removal', async () => {
    const spec = shell('i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; cat /proc/self/cgroup');
    const ended = await finish(executor, spec);
    expect(ended.usage?.cpuSeconds).toBeGreaterThan(0.01);
    const path = /(?:memory|^0:):(\/river-[^\n]*)/m.exec(output(spec).out)?.[1];
    expect(path).toContain(spec.runUid);
    await executor.remove(spec.runUid);
    expect(existsSync(join('/sys/fs/cgroup/memory', path ?? ''))).toBe(false);
    expect(existsSync(join('/sys/fs/cgroup', path ?? ''))).toBe(false);
  });

  test('a child that made its own session is stopped, also one that ignores SIGTERM', async () => {
    const spec = shell(
      'trap "" TERM; setsid sh -c \'trap "" TERM; echo $$; while :; do sleep 1; done\' & echo $$; wait; wait',
    );
    await executor.start(spec);
    const pids = await numbers(spec, 2);
    expect(pids.every(isThere)).toBe(true);
    await executor.stop(spec.runUid, 200);
    expect(pids.some(isThere)).toBe(false);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'exited', signal: 'SIGKILL' });
  });

  test('what is left in the background goes with the removal', async () => {
    const spec = shell('setsid sleep 1000 & echo $!');
    await finish(executor, spec);
    await executor.remove(spec.runUid);
    const [pid = 0] = await numbers(spec, 1);
    expect(isThere(pid)).toBe(false);
  });
});

describe('stop', () => {
  test.each([['with', open()] as const, ['without', plain()] as const])(
    'a tree of processes, %s control groups',
    async (_which, executor) => {
      const spec = shell('sh -c \'sh -c "echo \\$\\$; sleep 1000" & echo $$; wait\' & echo $$; wait');
      await executor.start(spec);
      const pids = await numbers(spec, 3);
      await executor.stop(spec.runUid, 20_000);
      expect(pids.some(isThere)).toBe(false);
      expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'exited', signal: 'SIGTERM' });
      await executor.stop(spec.runUid, 0);
      await executor.remove(spec.runUid);
    },
  );

  test('a program that ends well on SIGTERM keeps its exit code', async () => {
    const executor = open();
    const spec = shell('trap "echo bye; exit 7" TERM; echo 1; while :; do sleep 0.05; done');
    await executor.start(spec);
    await numbers(spec, 1);
    await executor.stop(spec.runUid, 20_000);
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'exited', exitCode: 7 });
    expect(output(spec).out).toBe('1\nbye\n');
  });

  test('removal of what runs is refused', async () => {
    const executor = open();
    const spec = shell('sleep 1000');
    await executor.start(spec);
    await expect(executor.remove(spec.runUid)).rejects.toMatchObject({ code: 'Conflict' });
    await executor.stop(spec.runUid, 0);
    await executor.remove(spec.runUid);
  });
});

describe('exactly once', () => {
  test('many starts at the same time, from two runners', async () => {
    const spec = shell('echo once');
    const executors = [open(), open()];
    await Promise.all(Array.from({ length: 10 }, (_, index) => executors[index % 2]?.start(spec)));
    await untilExited(executors[0] as Executor, spec.runUid);
    await executors[0]?.start(spec);
    expect(output(spec).out).toBe('once\n');
  });

  test('the runner is killed at any moment around the start', async () => {
    for (let round = 0; round < 25; round++) {
      const spec = shell('echo once; sleep 0.02; exit 5');
      const child = spawn(
        process.execPath,
        [join(import.meta.dirname, 'executor-process-child.ts'), stateDir, 'this-boot', JSON.stringify(spec)],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await once(child.stdout, 'data');
      // From before the record to after the end: where it hits is what the test is about.
      await sleep(realClock, realRng.next() * 15);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const executor = open();
      expect(await finish(executor, spec)).toMatchObject({ exitCode: 5 });
      expect(output(spec).out).toBe('once\n');
      await executor.remove(spec.runUid);
      await executor.close();
    }
  });

  test('the runner and its process group get SIGINT and SIGTERM; the run goes on and its end is found', async () => {
    const spec = shell('echo $$; while [ ! -e go ]; do sleep 0.02; done; exit 9');
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'executor-process-child.ts'), stateDir, 'this-boot', JSON.stringify(spec)],
      { stdio: ['ignore', 'pipe', 'inherit'], detached: true },
    );
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
  test('another boot: it is over, and is not started again', async () => {
    const spec = shell('echo $$; sleep 1000');
    const before = open({ bootId: 'first' });
    await before.start(spec);
    await numbers(spec, 1);
    const after = open({ bootId: 'second' });
    expect(await after.start(spec)).toMatchObject({ state: 'exited', unknownEnd: 'NodeRestarted' });
    expect(await before.inspect(spec.runUid)).toMatchObject({ state: 'running' });
    await before.stop(spec.runUid, 0);
  });

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
  const spec = shell('echo $$; exec sleep 600', { cpus: '0', memoryNodes: '0', env, ...heldLimits });
  await executor.start(spec);
  const [pid = 0] = await numbers(spec, 1);
  expect(kernelOf(pid)).toEqual(heldByKernel);
  const observed = await eventually(
    'its program',
    async () => (await executor.inspect(spec.runUid))?.observed,
  );
  expect(observed).toEqual({
    ...{ cpus: '0', memoryNodes: '0', cores: 0.5, memory: 49_999_872, gpus: ['GPU-a', 'GPU-b'] },
  });
  await executor.stop(spec.runUid, 0);
  expect((await executor.inspect(spec.runUid))?.observed).toBeUndefined();
  await executor.remove(spec.runUid);
});

test.each([
  ['with control groups', open],
  ['without', plain],
])('what runs is moved off a CPU, and back (%s)', async (_machine, opener) => {
  const all = cpusOf('self');
  const executor = opener();
  const spec = shell('echo $$; sleep 600 & echo $!; wait');
  await executor.start(spec);
  const pids = await numbers(spec, 2);
  await executor.confine(spec.runUid, '0');
  expect(pids.map(cpusOf)).toEqual(['0', '0']);
  await opener().confine(spec.runUid, all);
  expect(pids.map(cpusOf)).toEqual([all, all]);
  await executor.stop(spec.runUid, 0);
  await executor.confine(spec.runUid, '0');
  await executor.remove(spec.runUid);
});

test.runIf(isRoot)('by a cpuset: neither the program nor its children can leave their CPUs', async () => {
  const executor = open();
  expect((await executor.probe()).message).toContain('by cpusets');
  const leave = 'taskset --all-tasks --cpu-list --pid 0-1 $$; taskset --cpu-list 0-1 sleep 600 &';
  const spec = shell(`${leave} taskset --cpu-list 1 true; echo $$ $! $?; wait`, {
    cpus: '0',
    memoryNodes: '0',
  });
  await executor.start(spec);
  const [pid = 0, child = 0, refused] = await eventually('its children', async () => {
    const words = output(spec).out.trim().split('\n').at(-1)?.split(' ') ?? [];
    return words.length === 3 && words.map(Number);
  });
  expect([cpusOf(pid), cpusOf(child), refused]).toEqual(['0', '0', 1]);
  await executor.confine(spec.runUid, '1');
  expect([cpusOf(pid), cpusOf(child)]).toEqual(['1', '1']);
  await executor.stop(spec.runUid, 0);
  await executor.remove(spec.runUid);
});

test.runIf(isRoot)(
  'one that was started without is put into a cpuset when it is moved, with all that it has',
  async () => {
    const executor = open();
    const spec = shell('echo $$; sleep 600 & echo $!; while :; do sleep 0.01; done');
    await executor.start(spec);
    const pids = await numbers(spec, 2);
    await executor.confine(spec.runUid, '0');
    for (const pid of pids) execFileSync('taskset', ['--cpu-list', '--pid', '0-1', String(pid)]);
    expect(pids.map(cpusOf)).toEqual(['0', '0']);
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

test('what has chosen some of its CPUs itself keeps them as long as it may', async () => {
  const all = cpusOf('self');
  const executor = open();
  const spec = shell('echo $$; exec sleep 600');
  await executor.start(spec);
  const [pid = 0] = await numbers(spec, 1);
  await executor.confine(spec.runUid, all);
  execFileSync('taskset', ['--cpu-list', '--pid', '0', String(pid)]);
  await executor.confine(spec.runUid, all);
  expect(cpusOf(pid)).toBe('0');
  await executor.confine(spec.runUid, '1');
  expect(cpusOf(pid)).toBe('1');
  await executor.stop(spec.runUid, 0);
  await executor.remove(spec.runUid);
});
