import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realClock } from '../../base/index.ts';
import { Launcher } from './launcher.ts';

let folder: string;
let launcher: Launcher;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-launcher-'));
  launcher = new Launcher(realClock, process.env.PATH ?? '');
});

afterEach(() => {
  launcher.close();
  rmSync(folder, { recursive: true });
});

const read = (name: string) => readFileSync(join(folder, name), 'utf8');

/** The script says the word last: then all that it writes is there. */
function launch(script: string, more: { args?: string[]; env?: Record<string, string>; dir?: string } = {}) {
  return launcher.launch({
    folder,
    outPath: join(folder, 'out'),
    errPath: join(folder, 'err'),
    workingDir: more.dir ?? '/',
    env: more.env ?? {},
    args: ['-c', `${script}\necho "started $1" >&3`, 'test', folder, ...(more.args ?? [])],
  });
}

const nasty = `it's "quoted" $(echo x) \`echo y\` \\ \n second line āè ! * ~ ; & | > < # % =`;

test('arguments and variables come as they are, whatever is in them', async () => {
  const env = { NASTY: nasty, UID: '7', IFS: 'x', PATH: '/nowhere' };
  expect(await launch(`printf '%s|%s|%s' "$2" "$NASTY" "$PATH"`, { args: [nasty], env })).toBe('started');
  expect(read('out')).toBe(`${nasty}|${nasty}|/nowhere`);
});

test('nothing but the given variables is there, and the folder is the given one', async () => {
  const script = "tr '\\0' '\\n' </proc/self/environ; readlink /proc/self/cwd";
  expect(await launch(script, { env: { PATH: '/usr/bin:/bin', A: 'b' }, dir: tmpdir() })).toBe('started');
  expect(
    read('out')
      .split('\n')
      .filter((line) => !line.startsWith('PWD='))
      .sort(),
  ).toEqual(['', tmpdir(), 'A=b', 'PATH=/usr/bin:/bin'].sort());
});

test('no variable is ever an argument of a program, where the process list would show it', async () => {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const setsid = execFileSync('/bin/sh', ['-c', 'command -v setsid'], { encoding: 'utf8' }).trim();
  symlinkSync(setsid, join(bin, 'setsid'));
  symlinkSync('/bin/true', join(bin, 'true'));
  writeFileSync(join(bin, 'env'), `#!/bin/sh\necho "$@" >'${join(folder, 'arguments')}'\n`, { mode: 0o755 });
  launcher.close();
  launcher = new Launcher(realClock, bin);
  expect(await launch('echo "$SECRET"', { env: { SECRET: 'hidden' } })).toBe('started');
  expect(read('out')).toBe('hidden\n');
  expect(existsSync(join(folder, 'arguments'))).toBe(false);
});

test('what is started leads its own session, and takes SIGINT as any program does', async () => {
  const script =
    'read -r STAT </proc/$$/stat; echo "$STAT"; while read -r LINE; do echo "$LINE"; done </proc/$$/status';
  expect(await launch(script)).toBe('started');
  const [pid, , , , , session] = (read('out').split('\n')[0] ?? '').split(' ');
  expect(session).toBe(pid);
  expect(Number.parseInt(/SigIgn:\s+(\w+)/.exec(read('out'))?.[1] ?? '', 16) & 0b110).toBe(0);
});

test('what cannot be begun has no answer, and the next one is not held up', async () => {
  expect(await launch('true', { dir: join(folder, 'missing') })).toBe('unknown');
  expect(await launch('true')).toBe('started');
});

test('two at the same time of one run get an answer each, and many get theirs', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => launch('true')));
  expect(answers).toEqual(Array.from({ length: 8 }, () => 'started'));
});

test('without setsid it is never asked again', async () => {
  launcher.close();
  launcher = new Launcher(realClock, folder);
  expect(await launch('true')).toBe('unknown');
  expect(await launch('true')).toBe('unknown');
});
