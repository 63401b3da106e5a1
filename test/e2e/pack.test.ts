import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const execute = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const scratch = mkdtempSync(join(tmpdir(), 'river-pack-'));
const prefix = join(scratch, 'prefix');
const bin = (name: string) => join(prefix, 'bin', name);

/** The tarball, installed the way that a host or a node gets it: globally, into an empty prefix and HOME. */
beforeAll(async () => {
  // What npm has fetched for this user before is not fetched again.
  const cache = process.env.npm_config_cache ?? join(homedir(), '.npm');
  const env = { ...process.env, HOME: join(scratch, 'home'), npm_config_cache: cache };
  const { stdout } = await execute('npm', ['pack', '--silent', '--pack-destination', scratch], {
    cwd: root,
    env,
  });
  const tarball = join(scratch, stdout.trim().split('\n').at(-1) ?? '');
  const quick = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await execute('npm', ['install', '--global', '--prefix', prefix, ...quick, tarball], {
    cwd: scratch,
    env: { ...env, npm_config_ignore_scripts: 'true' },
  });
});

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

it('the installed package brings four programs that answer', async () => {
  for (const [name, args] of [
    ['river', ['version', '--client']],
    ['river-host', ['--help']],
    ['river-runner', ['--help']],
    ['riverun', ['--version']],
  ] as const) {
    const { stdout } = await execute(process.execPath, [bin(name), ...args]);
    expect(stdout, name).toMatch(/river/i);
  }
});

it('brings no sources, tests or development packages', async () => {
  const installed = join(prefix, 'lib/node_modules/river');
  expect(readdirSync(installed).sort()).toEqual([
    'LICENSE',
    'README.md',
    'dist',
    'node_modules',
    'package.json',
  ]);
  const packages = readdirSync(join(installed, 'node_modules'));
  for (const development of ['vitest', 'typescript', 'esbuild', '@biomejs', 'node'])
    expect(packages).not.toContain(development);
});

it('says in one sentence that a Node is too old', async () => {
  const old = join(scratch, 'old-node.mjs');
  writeFileSync(old, "Object.defineProperty(process.versions, 'node', { value: '20.20.2' });\n");
  for (const name of ['river', 'river-host', 'river-runner']) {
    const failure = await execute(process.execPath, ['--import', old, bin(name), '--help']).then(
      () => undefined,
      (error: { code: number; stderr: string }) => error,
    );
    expect(failure?.code, name).toBeGreaterThan(0);
    expect(failure?.stderr.trim().split('\n'), name).toHaveLength(1);
    expect(failure?.stderr, name).toMatch(/needs Node\.js 22\.22 or newer.*20\.20\.2/);
  }
});
