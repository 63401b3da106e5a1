import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import type { ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import { Records } from '../../pkg/executor/records/index.ts';
import { systemdExecutor } from '../../pkg/executor/systemd/index.ts';
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
} from '../integration/executor-parts.ts';

const folder = temporaryFolder();
const stateDir = join(folder.path, 'a folder with $HOME, 100% and "quotes"');
const clusterUid = realRng.uuid();
const prefix = `river-${clusterUid.slice(0, 12)}-`;
const opened: Executor[] = [];

interface More {
  bootId?: string;
  stateDir?: string;
  path?: string;
  isRoot?: boolean;
  clusterUid?: string;
}

function open(more: More = {}): Executor {
  const executor = systemdExecutor({
    stateDir: more.stateDir ?? stateDir,
    clusterUid: more.clusterUid ?? clusterUid,
    clock: realClock,
    logger: silentLogger,
    baseEnv: { PATH: more.path ?? '/usr/bin:/bin', HOME: '/nowhere', LANG: 'C.UTF-8' },
    bootId: () => more.bootId ?? 'this-boot',
    isRoot: more.isRoot ?? true,
    stopGraceMs: 1000,
    answerWithinMs: more.path ? 500 : 10_000,
  });
  opened.push(executor);
  return executor;
}

/** The records as a runner leaves them that was killed before it went on. */
const recordsIn = (path: string) => new Records(path, () => undefined);

const { cpus, memoryNodes } = usable();
let count = 0;
const fresh = (more: Partial<ExecutionSpec>) =>
  makeSpec(folder.path, `u${count++}`, { clusterUid, runtime: 'systemd', ...more });
const shell = (text: string, more: Partial<ExecutionSpec> = {}) =>
  fresh({ command: ['/bin/sh', '-c', text], ...more });

async function finish(executor: Executor, spec: ExecutionSpec) {
  await executor.start(spec);
  return untilExited(executor, spec.runUid);
}

const systemctl = (...args: string[]) => execFileSync('systemctl', args, { encoding: 'utf8' });
const unitOf = (spec: ExecutionSpec) => `${prefix}${spec.runUid}.service`;
const property = (spec: ExecutionSpec, name: string) =>
  systemctl('show', unitOf(spec), '--value', `--property=${name}`).trim();
const loadedUnits = () => systemctl('list-units', '--all', '--plain', '--no-legend', `${prefix}*`);

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
    if (!existsSync(spec.outPath)) return false;
    const words = output(spec).out.trim().split(/\s+/).filter(Boolean).map(Number);
    return words.length >= enough && words;
  });

afterAll(async () => {
  const executor = open();
  for (const { runUid } of await executor.list()) {
    await executor.stop(runUid, 0);
    await executor.remove(runUid);
  }
  for (const each of opened) await each.close();
  expect(loadedUnits()).toBe('');
  folder.remove();
});

test('the probe names the version; who is not root is told', async () => {
  expect(await open().probe()).toMatchObject({ ready: true, version: expect.stringMatching(/^\d+/) });
  expect(await open({ isRoot: false }).probe()).toMatchObject({
    ready: false,
    message: expect.stringContaining('is root'),
  });
});

describe('how it ended', () => {
  const executor = open();

  test.each([
    ['exit 130', { exitCode: 130 }],
    ['exit 209', { exitCode: 209 }],
    ['kill -TERM $$', { signal: 'SIGTERM' }],
    ['kill -INT $$', { signal: 'SIGINT' }],
    ['kill -PIPE $$', { signal: 'SIGPIPE' }],
  ])('%s', async (text, expected) => {
    const spec = shell(text);
    const ended = await finish(executor, spec);
    expect(ended).toMatchObject({ state: 'exited', ...expected });
    await executor.remove(spec.runUid);
    expect(loadedUnits()).not.toContain(unitOf(spec));
  });

  test.each([
    ['/etc/passwd', 'CommandNotExecutable'],
    ['exit', 'CommandNotFound'],
  ])('%s cannot be started', async (program, reason) => {
    const ended = await executor.start(fresh({ command: [program] }));
    expect(ended.startError?.reason).toBe(reason);
    expect(ended.startError?.message).toContain(program);
  });

  test('a folder or an interpreter that is not there', async () => {
    const spec = fresh({ command: ['true'], workingDir: '/nowhere' });
    expect((await executor.start(spec)).startError?.reason).toBe('WorkingDirNotFound');
    const bad = await finish(executor, fresh({ script: '#!/nowhere/python\n' }));
    expect(bad.startError?.reason).toBe('CommandNotFound');
  });

  test('no place for its output: not now, and it is when there is one', async () => {
    const spec = shell('echo once');
    const away = { ...spec, outPath: '/nowhere/out' };
    await expect(executor.start(away)).rejects.toMatchObject({ transient: true });
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'created' });
    expect(await finish(executor, spec)).toMatchObject({ exitCode: 0 });
    expect(output(spec).out).toBe('once\n');
  });
});

describe('what the program sees', () => {
  const executor = open();

  test('exactly its variables, its arguments as they are, a fresh folder', async () => {
    const spec = fresh({
      script: '#!/bin/sh\nprintf "<%s>" "$@"; env -0 | sort -z | tr "\\0" "\\n"; pwd >&2\n',
      args: ['a b', '$(id)', '', '*', "'", '$HOME $$', '%n %% \\x41', 'two\nlines', '"'],
      env: { SECRET: 's3cr3t\n$HOME \'"`\\ %n \u001b[1m ä', HOME: '/mine', MAINPID: '1' },
    });
    expect(await finish(executor, spec)).toMatchObject({ exitCode: 0 });
    const { out, err } = output(spec);
    const work = join(stateDir, 'runs', spec.runUid, 'work');
    expect(out).toBe(
      [
        `${spec.args?.map((argument) => `<${argument}>`).join('')}HOME=/mine`,
        ...['LANG=C.UTF-8', 'MAINPID=1', 'PATH=/usr/bin:/bin', `PWD=${work}`],
        `SECRET=${spec.env.SECRET}\n`,
      ].join('\n'),
    );
    expect(err).toBe(`${work}\n`);
    await executor.remove(spec.runUid);
    expect(existsSync(work)).toBe(false);
  });

  test('no variable is in the process list, in the unit or in a file that others may read', async () => {
    const spec = shell('echo 1; sleep 1000', { env: { SECRET: 's3cr3t' }, workingDir: '/usr/../tmp/' });
    await executor.start(spec);
    await numbers(spec, 1);
    const lists = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        } catch {
          return '';
        }
      });
    expect(lists.join('\n')).not.toContain('s3cr3t');
    expect(systemctl('show', unitOf(spec))).not.toContain('s3cr3t');
    expect(systemctl('cat', unitOf(spec))).not.toContain('s3cr3t');
    const launch = join(stateDir, 'runs', spec.runUid, 'launch');
    expect(readFileSync(launch, 'utf8')).toContain('s3cr3t');
    expect(statSync(launch).mode & 0o777).toBe(0o600);
    await executor.stop(spec.runUid, 0);
  });

  test('a big output is whole', async () => {
    const outPath = join(folder.path, 'out of $HOME, 100% "whole"');
    const spec = shell('seq 1 200000; seq 1 1000 >&2', { outPath });
    await finish(executor, spec);
    expect(output(spec).out.length).toBe(1_288_895);
    expect(output(spec).err.length).toBe(3893);
  });
});

describe('limits and figures', () => {
  const executor = open();

  test('they reach the manager exactly', async () => {
    const spec = shell('echo 1; sleep 1000', { memoryBytes: 50_000_001, milliCores: 1255 });
    await executor.start(spec);
    await numbers(spec, 1);
    expect(property(spec, 'MemoryMax')).toBe('50000001');
    expect(property(spec, 'CPUQuotaPerSecUSec')).toBe('1.255000s');
    expect(property(spec, 'KillMode')).toBe('control-group');
    await executor.stop(spec.runUid, 0);
  });

  test('running out of memory is told', async () => {
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
});

describe('stop', () => {
  const executor = open();

  test('it has ended when what it left in the background has: asked first, then killed', async () => {
    const left = 'setsid sh -c \'trap "echo asked" TERM; echo $$; while :; do sleep 0.05; done\' &';
    const spec = shell(
      `${left} while [ ! -s ${folder.path}/logs/u${count}.out ]; do sleep 0.02; done; exit 4`,
    );
    await executor.start(spec);
    const [pid = 0] = await numbers(spec, 1);
    expect(await untilExited(executor, spec.runUid)).toMatchObject({ exitCode: 4 });
    expect(isThere(pid)).toBe(false);
    expect(output(spec).out).toContain('asked');
  });
});

describe('exactly once', () => {
  test('a service that is started again executes nothing and changes no record', async () => {
    const executor = open();
    const spec = shell('echo once; exit 5');
    await finish(executor, spec);
    await eventually('the service has gone', async () => property(spec, 'ActiveState') === 'failed');
    systemctl('reset-failed', unitOf(spec));
    const runFolder = join(stateDir, 'runs', spec.runUid);
    const again = ['/bin/sh', join(stateDir, 'recorder'), runFolder, join(stateDir, 'exits', spec.runUid)];
    const recorder = again.map((word) => `"${word.replaceAll(/["\\]/g, '\\$&').replaceAll('$', '$$$$')}"`);
    execFileSync('systemd-run', [
      ...['--quiet', '--wait', `--unit=${unitOf(spec)}`],
      ...[`--property=ExecStopPost=${recorder.join(' ')} ${unitOf(spec)}`],
      ...['/bin/sh', join(runFolder, 'launch').replaceAll('$', '$$$$')],
    ]);
    expect(output(spec)).toEqual({ out: 'once\n', err: '' });
    expect(await executor.inspect(spec.runUid)).toMatchObject({ exitCode: 5 });
  });

  test('a service that comes after the stop executes nothing', async () => {
    const executor = open();
    const spec = shell('echo never');
    await recordsIn(stateDir).write(spec, 'this-boot');
    expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'created' });
    await executor.stop(spec.runUid, 0);
    expect(await executor.start(spec)).toMatchObject({ state: 'exited', startError: { reason: 'Stopped' } });
    expect(existsSync(spec.outPath)).toBe(false);
  });
});

test('a stop that comes between the service and its claim is for good', async () => {
  const executor = open();
  const spec = shell('echo never');
  await recordsIn(stateDir).write(spec, 'this-boot');
  execFileSync('systemd-run', ['--quiet', `--unit=${unitOf(spec)}`, '/bin/sleep', '1000']);
  expect(await executor.inspect(spec.runUid)).toMatchObject({ state: 'running' });
  await executor.stop(spec.runUid, 20_000);
  expect(await executor.start(spec)).toMatchObject({ state: 'exited', startError: { reason: 'Stopped' } });
  expect(existsSync(spec.outPath)).toBe(false);
});

test('a systemd that loads its files again, or executes itself again, changes nothing', async () => {
  const executor = open();
  const spec = shell(`echo up; while [ ! -e ${folder.path}/again ]; do sleep 0.02; done; exit 6`);
  await executor.start(spec);
  systemctl('daemon-reload');
  systemctl('daemon-reexec');
  expect((await executor.list()).find(({ runUid }) => runUid === spec.runUid)?.state).toBe('running');
  writeFileSync(join(folder.path, 'again'), '');
  expect(await untilExited(executor, spec.runUid)).toMatchObject({ exitCode: 6 });
  expect(output(spec).out).toBe('up\n');
});

describe('a full disk', () => {
  const small = join(folder.path, 'small');
  const fill = join(small, 'fill');
  let executor: Executor;

  beforeAll(async () => {
    mkdirSync(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', small]);
    executor = open({ stateDir: join(small, 'systemd') });
    await executor.list();
  });
  afterAll(async () => {
    rmSync(fill, { force: true });
    for (const { runUid } of await executor.list()) {
      await executor.stop(runUid, 0);
      await executor.remove(runUid);
    }
    await executor.close();
    execFileSync('umount', [small]);
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

  test.each([
    ['exit 3', { exitCode: 3 }],
    ['kill -KILL $$', { signal: 'SIGKILL' }],
  ])('full at the end (%s): systemd knows how it ended', async (end, expected) => {
    rmSync(join(folder.path, 'end'), { force: true });
    const spec = shell(`echo up; while [ ! -e ${folder.path}/end ]; do sleep 0.02; done; ${end}`);
    await executor.start(spec);
    await eventually('the program is up', async () => output(spec).out === 'up\n');
    fillUp();
    writeFileSync(join(folder.path, 'end'), '');
    const torn = join(small, 'systemd/runs', spec.runUid, 'exit');
    await eventually('a record without room', async () => existsSync(torn));
    const ended = await eventually('its end', async () => {
      const execution = await executor.inspect(spec.runUid);
      return execution?.state === 'exited' && execution;
    });
    expect(ended).toMatchObject({ ...expected, note: expect.stringContaining('systemd') });
    rmSync(fill);
    await executor.remove(spec.runUid);
    expect(loadedUnits()).not.toContain(unitOf(spec));
  });
});

describe('what a machine forgets', () => {
  test('the folder of records is lost: the service is found, stopped and removed by its name', async () => {
    const own = join(folder.path, 'lost');
    const spec = shell('echo $$; sleep 1000');
    const before = open({ stateDir: own });
    await before.start(spec);
    const [pid = 0] = await numbers(spec, 1);
    renameSync(own, `${own}-away`);
    const after = open({ stateDir: own });
    expect((await after.list()).find(({ runUid }) => runUid === spec.runUid)).toEqual({
      ...{ runUid: spec.runUid, namespace: spec.namespace, runName: spec.runName },
      state: 'running',
    });
    await after.stop(spec.runUid, 0);
    expect(isThere(pid)).toBe(false);
    await after.remove(spec.runUid);
    expect(await after.inspect(spec.runUid)).toBeUndefined();
  });

  test('another cluster sees nothing of it', async () => {
    const spec = shell('sleep 1000');
    const executor = open();
    await executor.start(spec);
    const other = open({ clusterUid: realRng.uuid() });
    expect(await other.list()).toEqual([]);
    expect(await other.inspect(spec.runUid)).toBeUndefined();
    await executor.stop(spec.runUid, 0);
  });
});

describe('a systemd that', () => {
  /** A machine whose tools are these. */
  const withTools = (name: string, text: string) => {
    const path = join(folder.path, name);
    mkdirSync(path);
    for (const tool of ['systemctl', 'systemd-run']) {
      writeFileSync(join(path, tool), `#!/bin/sh\n${text}\n`);
      chmodSync(join(path, tool), 0o755);
    }
    return open({ path, stateDir: join(path, 'state') });
  };

  test.each([
    ['hangs', 'exec /bin/sleep 1000', 'no answer'],
    ['is not there', 'echo "System has not been booted with systemd" >&2; exit 1', 'not been booted'],
  ])('%s: not ready, and all of it is tried again', async (name, text, message) => {
    const executor = withTools(name, text);
    expect(await executor.probe()).toMatchObject({ ready: false, message: expect.stringContaining(message) });
    const spec = fresh({ command: ['/bin/true'] });
    await expect(executor.list()).rejects.toMatchObject({ code: 'ServiceUnavailable', transient: true });
    await expect(executor.start(spec)).rejects.toMatchObject({ code: 'ServiceUnavailable' });
    expect(await finish(open({ stateDir: join(folder.path, name, 'state') }), spec)).toMatchObject({
      exitCode: 0,
    });
  });
});

test('the kernel holds a service to its CPUs and memory', async () => {
  const executor = open();
  const env = { CUDA_VISIBLE_DEVICES: 'GPU-a' };
  const spec = shell('echo $$; exec sleep 600', { cpus, memoryNodes, env, ...heldLimits });
  await executor.start(spec);
  const [pid = 0] = await numbers(spec, 1);
  expect(kernelOf(pid)).toEqual(heldByKernel());
  expect(property(spec, 'NUMAPolicy')).toBe('bind');
  expect(property(spec, 'NUMAMask')).toBe(memoryNodes);
  expect((await executor.inspect(spec.runUid))?.observed).toEqual({
    ...{ cpus, memoryNodes, cores: 0.5, memory: 49_999_872, gpus: ['GPU-a'] },
  });
  await executor.stop(spec.runUid, 0);
  await executor.remove(spec.runUid);
});

test('a service that is moved is held to its CPUs by its manager too', async () => {
  const executor = open();
  const spec = shell('echo 1; exec sleep 600');
  await executor.start(spec);
  await numbers(spec, 1);
  await executor.confine(spec.runUid, cpus);
  expect(property(spec, 'AllowedCPUs')).toBe(cpus);
  await executor.stop(spec.runUid, 0);
  await executor.remove(spec.runUid);
});

test('a pause halts also what is in a group that the program has made below its own', async () => {
  const executor = open();
  const own = "$(sed -n 's/^[0-9]*:name=systemd:/systemd/p;s/^0:://p' /proc/self/cgroup | head -n 1)";
  const group = `group=/sys/fs/cgroup/${own}/mine; mkdir $group`;
  const spec = shell(
    `${group}; sh -c "echo \\$\\$ >$group/cgroup.procs; echo \\$\\$; while :; do :; done" & wait`,
  );
  await executor.start(spec);
  const [pid = 0] = await numbers(spec, 1);
  await executor.pause(spec.runUid);
  expect(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0]).toBe('T');
  await executor.stop(spec.runUid, 0);
  await executor.remove(spec.runUid);
});
