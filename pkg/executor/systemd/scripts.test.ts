import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { launchText, recorderText } from './scripts.ts';

const root = mkdtempSync(join(tmpdir(), 'river-systemd-'));
afterAll(() => rmSync(root, { recursive: true }));

let count = 0;
function prepared(argv: string[], env: Record<string, string> = {}) {
  const folder = join(root, `it's ${count++}`);
  mkdirSync(folder);
  const launch = join(folder, 'launch');
  writeFileSync(launch, launchText({ folder, bootId: 'boot', env: { PATH: '/usr/bin:/bin', ...env }, argv }));
  const sh = (args: string[], variables: Record<string, string>) =>
    execFileSync('/bin/sh', args, {
      encoding: 'utf8',
      stdio: 'pipe',
      env: { PATH: '/usr/bin:/bin', INVOCATION_ID: 'first', ...variables },
    });
  const recorder = join(root, 'recorder');
  writeFileSync(recorder, recorderText);
  return {
    folder,
    launch: (invocation = 'first') => sh([launch], { INVOCATION_ID: invocation, FOREIGN: 'x' }),
    record: (variables: Record<string, string>) =>
      sh([recorder, folder, join(folder, 'end'), 'no.service'], variables),
    end: () => readFileSync(join(folder, 'end'), 'utf8'),
  };
}

test('whatever variables and arguments hold arrives as it is; nothing foreign does', () => {
  const value = 'a\nb\'"`$HOME\\ %n \u001b ä';
  const { launch } = prepared(['/bin/sh', '-c', 'printf "%s|" "$@"; env', 'sh', value, ''], { VALUE: value });
  const said = launch();
  expect(said.startsWith(`${value}||`)).toBe(true);
  expect(said).toContain(`VALUE=${value}\n`);
  expect(said).not.toMatch(/FOREIGN|INVOCATION_ID|RIVER/);
});

test('the second one executes nothing', () => {
  const { launch, folder } = prepared(['/bin/echo', 'once']);
  expect([launch(), launch('second')]).toEqual(['once\n', '']);
  expect(readFileSync(join(folder, 'started'), 'utf8')).toMatch(/^boot \d+ \(.*\) .*\nfirst\n$/);
});

test('the record is of the invocation that has the claim', () => {
  const run = prepared(['/bin/true']);
  run.launch();
  run.record({ INVOCATION_ID: 'second', EXIT_CODE: 'exited', EXIT_STATUS: '0' });
  expect(run.end).toThrow('ENOENT');
  run.record({ EXIT_CODE: 'killed', EXIT_STATUS: 'KILL' });
  expect(run.end()).toBe('ended killed KILL\nend\n');
});

test('a program that cannot be executed is told', () => {
  const run = prepared(['/nowhere/program']);
  expect(run.launch).toThrow();
  run.record({ EXIT_CODE: 'exited', EXIT_STATUS: '127' });
  expect(run.end()).toBe('ended exited 127\nfailed\nend\n');
});
