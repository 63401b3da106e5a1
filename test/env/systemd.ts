/**
 * A machine whose PID 1 is a real systemd, for tests: a container of Debian, with this repository and its Node at the
 * paths that they have here. What runs inside talks to that systemd, and sees its own processes and control groups.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { realClock, sleep } from '../../pkg/base/index.ts';
import { root } from './bundle.ts';
import { withEngine } from './engine.ts';

const run = promisify(execFile);
const bootWithinMs = 60_000;

/** A new version when what is in it changes. */
const image = 'river-test/debian-systemd:1';
const packages = 'systemd,systemd-sysv,dbus';

export interface SystemdMachine {
  /** Runs a program inside, to its end. */
  run(
    argv: string[],
    env?: Record<string, string>,
  ): Promise<{ code: number; stdout: string; stderr: string }>;
  /** An orderly shutdown and a new boot. Files stay, but for those in /run. */
  reboot(): Promise<void>;
  /** Halts PID 1 until the function that it answers is called. */
  hang(): Promise<() => void>;
  release(): Promise<void>;
}

/** The tarball of the image, made once a machine and kept outside of the repository. */
async function tarball(): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'river-test');
  const file = join(cache, `${image.replaceAll(/[/:]/g, '-')}.tar`);
  if (existsSync(file)) return file;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'river-debian-'));
  const path = `${process.env.PATH}:/usr/sbin:/sbin`;
  try {
    const rootfs = join(folder, 'rootfs');
    const options = ['--variant=minbase', `--include=${packages}`];
    await run('debootstrap', [...options, 'bookworm', rootfs], {
      env: { ...process.env, PATH: path },
      maxBuffer: 1 << 26,
    });
    const left = ['./var/cache/apt/*', './var/lib/apt/lists/*', './usr/share/doc/*', './usr/share/locale/*'];
    const half = `${file}.${process.pid}`;
    await run('tar', ['-C', rootfs, ...left.map((one) => `--exclude=${one}`), '-cf', half, '.']);
    renameSync(half, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return file;
}

/** What a systemd needs to be PID 1 of a container, where `--privileged` would ask for more than there is. */
const machineOptions = [
  ...['--cap-add', 'SYS_ADMIN', '--cap-add', 'NET_ADMIN', '--network', 'none'],
  ...['--security-opt', 'seccomp=unconfined', '--security-opt', 'apparmor=unconfined'],
  ...['--cgroupns=host', '--tmpfs', '/run', '--tmpfs', '/run/lock', '--tmpfs', '/tmp:exec'],
];

/** Control groups, writable. With v1 each hierarchy by itself: a systemd adds folders beside them, which stay its own. */
function cgroupOptions(): string[] {
  const root = '/sys/fs/cgroup';
  const volume = (folder: string) => ['--volume', `${folder}:${folder}:rw`];
  if (existsSync(join(root, 'cgroup.controllers'))) return volume(root);
  const hierarchies = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return ['--tmpfs', root, ...hierarchies.flatMap(({ name }) => volume(join(root, name)))];
}

async function boot(
  socketPath: string,
): Promise<Omit<SystemdMachine, 'release'> & { remove(): Promise<void> }> {
  const docker = (...args: string[]) =>
    run('docker', ['-H', `unix://${socketPath}`, ...args], { maxBuffer: 1 << 26 });
  await docker('image', 'inspect', image).catch(async () => docker('import', await tarball(), image));
  const folders = [...new Set([root, realpathSync(join(root, 'node_modules'))])];
  const { stdout } = await docker(
    ...[
      'run',
      '--detach',
      ...machineOptions,
      ...cgroupOptions(),
      ...folders.flatMap((each) => ['--volume', `${each}:${each}`]),
    ],
    ...[image, '/sbin/init'],
  );
  const id = stdout.trim();
  const inside: SystemdMachine['run'] = async (argv, env = {}) => {
    const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    try {
      const answer = await docker('exec', '--workdir', root, ...variables, id, ...argv);
      return { code: 0, ...answer };
    } catch (error) {
      const {
        code,
        stdout: out = '',
        stderr = '',
      } = error as { code: number; stdout?: string; stderr?: string };
      return { code, stdout: out, stderr };
    }
  };
  const untilUp = async () => {
    const deadline = realClock.monotonic() + bootWithinMs;
    for (;;) {
      const { stdout: state } = await inside(['systemctl', 'is-system-running']);
      if (/^(running|degraded)$/m.test(state)) return;
      if (realClock.monotonic() > deadline) throw new Error(`systemd did not come up: ${state}`);
      await sleep(realClock, 100);
    }
  };
  const remove = async () => {
    await docker('rm', '--force', '--volumes', id);
  };
  await untilUp().catch(async (error: unknown) => {
    await remove();
    throw error;
  });
  return {
    run: inside,
    reboot: async () => {
      // What systemd(1) calls halt.target.
      await docker('kill', '--signal', 'SIGRTMIN+3', id);
      await docker('wait', id);
      await docker('start', id);
      await untilUp();
    },
    hang: async () => {
      const { stdout: pid } = await docker('inspect', '--format', '{{.State.Pid}}', id);
      process.kill(Number(pid), 'SIGSTOP');
      return () => process.kill(Number(pid), 'SIGCONT');
    },
    remove,
  };
}

/** The machine, or why there is none. Raises instead when RIVER_TEST_ALL=1: then nothing may be left out. */
export async function withSystemd(): Promise<
  { machine: SystemdMachine; skip?: undefined } | { machine?: undefined; skip: string }
> {
  const { engine, skip } = await withEngine();
  if (engine === undefined) return { skip };
  try {
    const { remove, ...machine } = await boot(engine.socketPath);
    return { machine: { ...machine, release: () => remove().finally(() => engine.release()) } };
  } catch (error) {
    await engine.release();
    if (process.env.RIVER_TEST_ALL === '1') throw error;
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`tests with systemd are left out: ${reason}\n`);
    return { skip: reason };
  }
}
