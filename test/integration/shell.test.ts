import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RiverError, realClock, silentLogger } from '../../pkg/base/index.ts';
import type { HttpClient } from '../../pkg/client/index.ts';
import { dockerShells } from '../../pkg/shell/docker/index.ts';
import type { ShellProcess, ShellRequest } from '../../pkg/shell/index.ts';
import { withEngine } from '../env/engine.ts';
import { ApiHost, admin, nodeOf, refused } from '../support/api-host.ts';
import { eventually } from './executor-parts.ts';

const execute = promisify(execFile);
const { engine } = await withEngine();
const socketPath = engine?.socketPath ?? '/nowhere/docker.sock';
const docker = async (...args: string[]) =>
  (await execute('docker', ['-H', `unix://${socketPath}`, ...args])).stdout.trim();

interface Ended {
  stdout: string;
  stderr: string;
  exitCode: number;
}

async function toEnd(shell: ShellProcess): Promise<Ended> {
  const texts = { stdout: '', stderr: '' };
  for await (const { stream, data } of shell.output) texts[stream] += Buffer.from(data).toString('latin1');
  return { ...texts, exitCode: await shell.exitCode() };
}

describe.skipIf(!engine)('programs in a container of a real engine, over the API', () => {
  const host = new ApiHost();
  let id = '';
  let looks = 0;
  let url = '';
  let client: HttpClient;

  beforeAll(async () => {
    id = await docker('run', '-d', '--network=host', engine?.image ?? '', 'sleep', '1000000');
    url = await host.listen({
      shells: engineShells(),
      workingContainers: {
        container: async (name) => {
          if (name === 'replaced' && looks++ === 0) return 'f'.repeat(64);
          if (name === 'box' || name === 'replaced') return id;
          throw new RiverError('NotFound', `environment ${name} not found`);
        },
      },
    });
    client = host.http(url, admin);
  });
  afterAll(async () => {
    await host.close();
    await docker('rm', '-f', id);
    await engine?.release();
  });

  const directory = join(host.folder, 'shells');
  const engineShells = () => dockerShells({ socketPath, directory, clock: realClock, logger: silentLogger });
  const open = (request: Partial<ShellRequest>) =>
    client.openShell('box', { command: [], tty: false, stdin: true, stdout: true, stderr: true, ...request });
  const sh = (script: string, request: Partial<ShellRequest> = {}) =>
    open({ command: ['sh', '-c', script], ...request });
  /** Programs in the container beside the one that keeps it. */
  const programs = async () => {
    const table = await docker('top', id, '-o', 'pid,args');
    const lines = table.split('\n').slice(1);
    return lines.map((line) => line.trim().replace(/^\d+\s+/, '')).filter((line) => line !== 'sleep 1000000');
  };

  /** Until the programs have written nothing more for a while, and are still there. */
  const standing = async () => {
    let written = '';
    let same = 0;
    await eventually('the writer to stand', async () => {
      const table = await docker('top', id, '-o', 'pid,args');
      const pids = [...table.matchAll(/^\s*(\d+)\s+sh -c/gm)].map(([, pid]) => pid);
      const now = pids.map((pid) => readFileSync(`/proc/${pid}/io`, 'utf8')).join('');
      same = now !== '' && now === written ? same + 1 : 0;
      written = now;
      return same >= 5;
    });
  };

  test('streams stay apart, and exit codes arrive', async () => {
    const ended = await toEnd(await sh('echo out; echo err >&2; exit 7'));
    expect(ended).toEqual({ stdout: 'out\n', stderr: 'err\n', exitCode: 7 });
    expect(await toEnd(await sh('kill -9 $$'))).toMatchObject({ exitCode: 137 });
    expect(await toEnd(await open({ command: ['true'] }))).toMatchObject({ exitCode: 0 });
    const missing = await toEnd(await open({ command: ['/no/such'] }));
    expect(missing.exitCode).toBe(126);
    expect(missing.stdout).toContain('/no/such');
  });

  test('a container that is replaced between the look for it and the start is looked for again', async () => {
    for (const command of [[], ['sh', '-c', 'exit 5']]) {
      looks = 0;
      const request = { command, tty: false, stdin: true, stdout: true, stderr: true };
      const shell = await client.openShell('replaced', request);
      await shell.write(Buffer.from('exit 5\n'));
      expect(await toEnd(shell)).toMatchObject({ exitCode: 5 });
      expect(looks).toBeGreaterThan(0);
    }
  });

  test('input is passed on to its end', async () => {
    const shell = await open({ command: ['cat'] });
    await shell.write(Buffer.from('hi '));
    await shell.write(Buffer.from('there\n'));
    shell.endInput();
    expect(await toEnd(shell)).toMatchObject({ stdout: 'hi there\n', exitCode: 0 });
    const script = await open({});
    await script.write(Buffer.from('echo "$0"; exit 3\n'));
    expect(await toEnd(script)).toMatchObject({ stdout: '/bin/sh\n', exitCode: 3 });
  });

  test('a terminal has its size and kind, and Ctrl-D ends its input', async () => {
    const shell = await sh(
      'while [ "$(stty size 2>/dev/null)" != "33 101" ]; do sleep 0.01; done; stty size; tty; echo $TERM',
      {
        tty: true,
        term: 'vt220',
      },
    );
    shell.resize({ columns: 10, rows: 10 });
    shell.resize({ columns: 101, rows: 33 });
    expect(await toEnd(shell)).toMatchObject({ stdout: '33 101\r\n/dev/pts/0\r\nvt220\r\n', stderr: '' });
    const reader = await open({ command: ['cat'], tty: true });
    reader.endInput();
    expect(await toEnd(reader)).toMatchObject({ exitCode: 0 });
  });

  test('much output is whole and in order, and waits for a slow reader', async () => {
    const shell = await sh('seq 1 5000000; seq 1 5000000 >&2');
    const hashes = { stdout: createHash('sha256'), stderr: createHash('sha256') };
    let pieces = 0;
    for await (const { stream, data } of shell.output) {
      hashes[stream].update(data);
      // Far more than the buffers on the way take.
      if (pieces++ === 3) await standing();
    }
    expect(await shell.exitCode()).toBe(0);
    const expected = await docker('exec', id, 'sh', '-c', 'seq 1 5000000 | sha256sum');
    for (const hash of Object.values(hashes)) expect(expected).toContain(hash.digest('hex'));
  });

  test('nothing stays behind of a client that vanishes, but what was told to', async () => {
    const script = 'sleep 7001 & (trap "" HUP; exec sleep 7002) & sleep 7003';
    const goOn: string[] = [];
    for (const tty of [true, false]) {
      const shell = await sh(script, { tty });
      await eventually(
        'the programs to run',
        async () =>
          (await programs()).filter((line) => line.startsWith('sleep 700')).length === goOn.length + 3,
      );
      await shell.hangUp();
      goOn.push('sleep 7002');
      await eventually('the others to end', async () => (await programs()).length === goOn.length);
      expect(await programs()).toEqual(goOn);
    }
    const stubborn = await sh('trap "" HUP; echo ready; while :; do sleep 0.1; done');
    for await (const { data } of stubborn.output) if (Buffer.from(data).includes('ready')) break;
    await stubborn.hangUp();
    await eventually('also the stubborn one to end', async () => (await programs()).length === goOn.length);
  });

  test('where this user may send no signals, the container does', async () => {
    const before = await programs();
    const shell = await sh('sleep 7009', { tty: true });
    await eventually('the program', async () => (await programs()).includes('sleep 7009'));
    const kill = vi.spyOn(process, 'kill').mockImplementation(() => {
      throw Object.assign(new Error('kill EPERM'), { code: 'EPERM' });
    });
    try {
      await shell.hangUp();
      await eventually('it to end', async () => !(await programs()).includes('sleep 7009'));
      expect(kill).toHaveBeenCalled();
    } finally {
      kill.mockRestore();
    }
    await eventually('nothing else to be left', async () => (await programs()).length === before.length);
  });

  test('what a host that was killed has left is ended by the next one', async () => {
    const before = await programs();
    const shell = await sh('sleep 7008', { tty: true });
    await eventually('the program', async () => (await programs()).includes('sleep 7008'));
    await eventually('a note of it alone', async () => readdirSync(directory).length === 1);
    await engineShells().recover();
    expect(await programs()).toEqual(before);
    expect(await toEnd(shell)).toMatchObject({ exitCode: 129 });
    expect(readdirSync(directory)).toEqual([]);
  });

  test('is for admins, and refused with a Status', async () => {
    const request = { command: [], tty: true, stdin: true, stdout: true, stderr: false };
    const node = await refused(host.http(url, nodeOf('n1')).openShell('box', request));
    expect([node.code, node.message]).toEqual(['Forbidden', 'node n1 may not run programs in environments']);
    const nobody = await refused(host.http(url, admin, { token: 'none' }).openShell('box', request));
    expect(nobody.code).toBe('Unauthorized');
    const nowhere = await refused(client.openShell('other', request));
    expect([nowhere.code, nowhere.message]).toEqual(['NotFound', 'environment other not found']);
  });
});
