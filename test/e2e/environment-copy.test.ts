import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../pkg/api/index.ts';
import { readImageLayout } from '../../pkg/environment/index.ts';
import { type TestEngine, withEngine } from '../env/engine.ts';
import { makePythonImage } from '../env/python-image.ts';
import { eventually, example, Sandbox } from './sandbox.ts';

const execute = promisify(execFile);
const found = await withEngine();

describe.skipIf(found.engine === undefined)('copy steps', () => {
  const engine = found.engine as TestEngine;
  let sandbox: Sandbox;

  beforeAll(async () => {
    sandbox = new Sandbox({ DOCKER_HOST: `unix://${engine.socketPath}` });
    await sandbox.dev();
    mkdirSync(sandbox.path('work/tools'), { recursive: true });
    writeFileSync(sandbox.path('work/tools/greet'), '#!/bin/sh\necho hello\n', { mode: 0o755 });
    symlinkSync('greet', sandbox.path('work/tools/link'));
    writeFileSync(sandbox.path('work/one file'), 'one\n');
  });

  afterAll(async () => {
    await sandbox.river('delete', 'env', '--all', '--timeout', '30s');
    await sandbox.close();
    await engine.release();
  });

  const manifest = (...steps: string[]) =>
    sandbox.write(
      'work/env.yaml',
      `apiVersion: river.dev/v1\nkind: Environment\nmetadata: { name: copied }\nspec:\n  from: { image: '${engine.image}' }\n  steps:\n${steps.map((step) => `    - ${step}\n`).join('')}`,
    );
  const good = ['copy: { from: tools, to: /opt/tools }', 'copy: { from: one file, to: "/a $b/" }'];
  const built = async () => {
    await sandbox.ok('wait', 'env/copied', '--for', 'condition=Ready', '--timeout', '60s');
    return (await sandbox.object<Environment>('env', 'copied')).status;
  };

  it('take a file or a folder beside the manifest; what is in it decides whether the step is done again', async () => {
    manifest(...good);
    await sandbox.ok('apply', '-f', 'work/env.yaml');
    const status = await built();
    const show = ['sh', '-c', '/opt/tools/link; cat "/a \\$b/one file"'];
    const { stdout } = await execute('docker', [
      ...['-H', `unix://${engine.socketPath}`, 'run', '--rm', '--network=host', status?.image ?? '', ...show],
    ]);
    expect(stdout).toBe('hello\none\n');
    expect(await sandbox.ok('apply', '-f', 'work/env.yaml')).toContain('unchanged');
    writeFileSync(sandbox.path('work/one file'), 'two\n');
    expect(await sandbox.ok('apply', '-f', 'work/env.yaml')).toContain('configured');
    await eventually('a new digest', 60_000, async () => (await built())?.digest !== status?.digest);
    const after = await built();
    expect(after?.steps?.map(({ cached }) => cached)).toEqual([true, false]);
  });

  it('run the example: an environment, one derived from it, and a task in that', async () => {
    await execute('docker', ['-H', `unix://${engine.socketPath}`, 'tag', engine.image, 'busybox:latest']);
    await sandbox.ok('apply', '-f', example('environment.yaml'));
    await sandbox.ok('wait', 'task/in-environment', '--for', 'condition=Complete', '--timeout', '90s');
    expect(await sandbox.ok('logs', 'task/in-environment')).toBe(
      'hello, builder\nhello, again\nhello, task\n',
    );
    await sandbox.ok('delete', 'task/in-environment', '--timeout', '30s');
  });

  it('run the example for Python: from steps, one derived from it that checks it, and a task in that', async () => {
    await makePythonImage(engine.socketPath, 'python:3-slim');
    await sandbox.ok('apply', '-f', example('python.yaml'));
    await sandbox.ok('wait', 'task/sum', '--for', 'condition=Complete', '--timeout', '90s');
    expect(await sandbox.ok('logs', 'task/sum')).toBe('42.0\n');
    await sandbox.ok('delete', 'task/sum', '--timeout', '30s');
  });

  it('that name what cannot be copied are refused with their place, before anything is sent', async () => {
    symlinkSync('/etc', sandbox.path('work/out'));
    writeFileSync(sandbox.path('work/large'), '');
    truncateSync(sandbox.path('work/large'), 2 ** 30);
    manifest(...['missing', 'out/passwd', 'large'].map((from) => `copy: { from: ${from}, to: /x }`));
    const { code, stderr } = await sandbox.river('apply', '-f', 'work/env.yaml');
    expect(code).toBe(2);
    expect(stderr.split('\n').map((line) => line.replace(sandbox.folder, ''))).toEqual(
      expect.arrayContaining([
        'work/env.yaml:7:15: spec.steps[0].copy.from: there is no missing beside the manifest',
        'work/env.yaml:8:15: spec.steps[1].copy.from: must stay within the folder of the manifest; out/passwd is a link to /etc/passwd',
        expect.stringMatching(/^work\/env.yaml:9:15: spec.steps\[2\].copy.from: is too large: \d+ bytes/),
      ]),
    );
  });

  it('are in the tarball that is exported; what broke off is gone on with, and what is damaged refused', async () => {
    manifest(...good);
    await sandbox.ok('apply', '-f', 'work/env.yaml');
    const digest = (await built())?.digest ?? '';
    const short = digest.slice(7, 19);
    await sandbox.ok('env', 'export', 'env/copied');
    const whole = sandbox.path(`copied-${short}.tar`);
    expect((await readImageLayout(whole)).digest).toBe(digest);

    const part = sandbox.path(`again.tar.${short}.partial`);
    copyFileSync(whole, part);
    truncateSync(part, 700_000);
    const said = await sandbox.ok('env', 'export', 'env/copied', '-o', 'again.tar', '--digest', short);
    expect(said).toContain(`again.tar has environment copied, ${digest}`);
    expect(readFileSync(sandbox.path('again.tar'))).toEqual(readFileSync(whole));

    const content = readFileSync(whole);
    const [layer] = (await readImageLayout(whole)).layers;
    content[(layer?.offset ?? 0) + 1000] = (content[(layer?.offset ?? 0) + 1000] ?? 0) ^ 1;
    writeFileSync(part, content);
    const damaged = await sandbox.river('env', 'export', 'env/copied', '-o', 'again.tar');
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(/its layer .* is not what the configuration says.*export it again/);
    expect(existsSync(part)).toBe(false);
    expect((await sandbox.river('env', 'export', 'env/copied', '--digest', 'ffff')).stderr).toContain(short);
    for (const [place, said] of [
      ['work', 'work is a folder: name a file'],
      ['none/again.tar', 'none: make it first'],
    ] as const) {
      const nowhere = await sandbox.river('env', 'export', 'env/copied', '-o', place);
      expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining(said)]);
    }
    expect(existsSync(sandbox.path(`work.${short}.partial`))).toBe(false);
  });

  it('come back by an import, as an environment with the same digest and a manifest for git', async () => {
    const { digest } = (await built()) ?? {};
    const file = `copied-${digest?.slice(7, 19)}.tar`;
    const upload = createHash('sha256')
      .update(readFileSync(sandbox.path(file)))
      .digest('hex');
    expect(await sandbox.ok('env', 'import', file)).toBe(`spec:\n  from:\n    upload: ${upload}\n`);
    expect(await sandbox.ok('env', 'import', file, '--name', 'imported')).toContain('imported created');
    await sandbox.ok('wait', 'env/imported', '--for', 'condition=Ready', '--timeout', '60s');
    const { spec, status } = await sandbox.object<Environment>('env', 'imported');
    expect([spec.from, status?.digest]).toEqual([{ upload }, digest]);
    expect(await sandbox.ok('env', 'import', file, '--name', 'imported')).toContain('unchanged');
    const text = await sandbox.ok('env', 'import', file, '--name', 'imported', '-o', 'yaml');
    sandbox.write('imported.yaml', text);
    expect(await sandbox.ok('apply', '-f', 'imported.yaml')).toContain('unchanged');

    const refused = async (...words: string[]) => {
      const { code, stderr } = await sandbox.river('env', 'import', ...words);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await refused(file, '--name', 'copied')).toContain('has a manifest of its own');
    expect(await refused('work/env.yaml', '--name', 'x')).toContain('is no tarball of an image');
    expect(await refused('none.tar', '--name', 'x')).toContain('none.tar cannot be read');
    expect(await refused(file, '--name', 'No Name')).toContain('lower case');
  });
});
