import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Environment } from '../../../pkg/api/index.ts';
import { eventually, type Running, type Sandbox, task } from '../sandbox.ts';
import { Terminal } from './terminal.ts';

export interface ShellTests {
  sandbox(): Sandbox;
  /** The host with its engine; it may be stopped and started again. */
  dev(): Running;
  restart(): Promise<void>;
  image: string;
  docker(...args: string[]): Promise<{ stdout: string }>;
}

/** What people do in interactive Environments, on the host and engine of the tests that call this. */
export function testShells({ sandbox, dev, restart, image, docker }: ShellTests): void {
  const desk = (spec: object = {}) => ({
    apiVersion: 'river.dev/v1',
    kind: 'Environment',
    metadata: { name: 'desk' },
    spec: { from: { image }, interactive: true, ...spec },
  });
  const programs = async () => (await docker('top', 'river-env-desk', '-o', 'pid,args')).stdout;
  const status = async () => (await sandbox().object<Environment>('env', 'desk')).status;
  const opened = async (...args: string[]) => {
    const terminal = new Terminal(sandbox(), ['shell', 'env/desk', ...args]);
    await terminal.shows('# ');
    return terminal;
  };

  it('river shell is a terminal: size, Ctrl-C, exit code', async () => {
    await sandbox().apply(desk());
    await sandbox().ok('wait', 'env/desk', '--for', 'condition=ContainerReady', '--timeout', '60s');
    const terminal = await opened();
    await terminal.run('stty size; tty', '24 80\r\n/dev/pts/');
    terminal.resize(132, 50);
    await eventually('the new size', 30_000, async () => {
      terminal.type('stty size\n');
      return terminal.screen.includes('50 132');
    });
    await terminal.run('echo begun$((1)); sleep 7004; echo over$?', 'begun1');
    terminal.type('\x03');
    await terminal.run('echo alive$((1))', 'alive1');
    await terminal.run('exit 7', 'exit 7');
    expect(await terminal.ended()).toEqual({ code: 7, sane: true });
    expect(terminal.screen).not.toContain('over0');
  });

  it('river shell -- CMD is a pipe: input, both outputs, exit codes, every byte', async () => {
    const run = (input: string, ...args: string[]) =>
      sandbox().run('river', ['shell', 'env/desk', '--', ...args], input);
    expect(await run('hi', 'cat')).toEqual({ code: 0, stdout: 'hi', stderr: '' });
    expect(await run('', 'sh', '-c', 'echo out; echo err >&2; exit 7')).toEqual({
      code: 7,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect(await run('', 'sh', '-c', 'kill -9 $$')).toMatchObject({ code: 137 });
    const { stdout } = await run('', 'seq', '1', '500000');
    const lines = Array.from({ length: 500_000 }, (_, index) => `${index + 1}\n`).join('');
    expect(hash(stdout)).toBe(hash(lines));
  });

  it('what is installed in it and committed is what tasks have', async () => {
    const before = await status();
    const terminal = await opened();
    await terminal.run(
      `printf '#!/bin/sh\\necho tool of $1\\n' >/bin/tool; chmod +x /bin/tool; echo made$?`,
      'made0',
    );
    await terminal.run('tool me', 'tool of me');
    await terminal.run('exit', 'exit');
    expect((await terminal.ended()).code).toBe(0);
    await sandbox().ok('commit', 'env/desk', '-m', 'a tool');
    expect((await status())?.digest).not.toBe(before?.digest);
    await sandbox().apply(task('with-tool', { environment: 'desk', command: ['tool', 'all'] }));
    await sandbox().ok('wait', 'task/with-tool', '--for', 'condition=Complete', '--timeout', '60s');
    expect(await sandbox().ok('logs', 'task/with-tool')).toBe('tool of all\n');
    await eventually('a container of the new digest', 60_000, async () => {
      const { digest, container } = (await status()) ?? {};
      return container?.phase === 'Running' && container.digest === digest;
    });
  });

  it('river shell leaves nothing behind, however it ends', async () => {
    for (const [signal, code] of [
      ['SIGKILL', 137],
      ['SIGTERM', 130],
      ['SIGHUP', 129],
    ] as const) {
      const terminal = await opened();
      terminal.type('sleep 7005\n');
      await eventually('the program', 30_000, async () => (await programs()).includes('sleep 7005'));
      await terminal.kill(signal);
      // Nobody can put a terminal right after SIGKILL.
      expect(await terminal.ended()).toEqual({ code, sane: signal !== 'SIGKILL' });
      await eventually('the program to end', 30_000, async () => !(await programs()).includes('sleep 7005'));
    }
    const terminal = await opened();
    terminal.type('sleep 7006\n');
    await eventually('the program', 30_000, async () => (await programs()).includes('sleep 7006'));
    await dev().stop();
    expect(await terminal.ended()).toEqual({ code: 1, sane: true });
    expect(terminal.screen).toContain('the host is shutting down: the shell has ended');
    await restart();
    await sandbox().ok('wait', 'env/desk', '--for', 'condition=ContainerReady', '--timeout', '60s');
    expect(await programs()).not.toContain('sleep 7006');
  });

  it('river shell says why there is none', async () => {
    const refusal = async (...args: string[]) => {
      const { code, stderr } = await sandbox().river('shell', ...args);
      return `${code} ${stderr}`;
    };
    await sandbox().apply(desk({ suspend: true }));
    expect(await refusal('env/desk')).toMatch(/^1 river: .*suspend: false/);
    expect(await refusal('env/none')).toMatch(/^1 river: .*none/);
    expect(await refusal('env/first')).toMatch(/^1 river: .*interactive: true/);
    expect(await refusal('task/first')).toMatch(/^2 river: a task is none; name one environment/);
    expect(await refusal('desk')).toMatch(/^2 river: name one environment/);
  });
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
