import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { defaultConfigFile, readKubeconfig, writeKubeconfig } from './file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-config-'));
  file = defaultConfigFile(folder);
});
afterEach(() => rmSync(folder, { recursive: true }));

const entry = { name: 'river-dev', server: 'https://127.0.0.1:8001', ca: 'PEM\n', token: 'river_secret' };

it('is made with its folder, for its owner only, and read back', async () => {
  await writeKubeconfig(file, entry);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, '.river')).mode & 0o777).toBe(0o700);
  expect(await readKubeconfig(file)).toEqual({ ...entry, namespace: undefined });
});

it('keeps other entries and fields, and makes the new one current', async () => {
  await writeKubeconfig(file, { ...entry, name: 'lab', namespace: 'me' });
  writeFileSync(file, `${readFileSync(file, 'utf8')}preferences: {colors: true}\n`);
  await writeKubeconfig(file, entry);
  await writeKubeconfig(file, { ...entry, token: 'river_new' });
  expect((await readKubeconfig(file)).token).toBe('river_new');
  expect(await readKubeconfig(file, 'lab')).toMatchObject({
    name: 'lab',
    namespace: 'me',
    token: 'river_secret',
  });
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('colors: true');
  expect(text.match(/name: river-dev/g)).toHaveLength(3);
});

it('is refused when others may read it', async () => {
  await writeKubeconfig(file, entry);
  chmodSync(file, 0o644);
  await expect(readKubeconfig(file)).rejects.toThrow(`chmod 600 ${file}`);
  await expect(writeKubeconfig(file, entry)).rejects.toThrow('chmod 600');
});

it('is named when it cannot be written', async () => {
  mkdirSync(`${file}.${process.pid}.new`, { recursive: true });
  await expect(writeKubeconfig(file, entry)).rejects.toThrow(`cannot write the token to ${file}: `);
});

it('leaves nothing beside it', async () => {
  await writeKubeconfig(file, entry);
  expect(readdirSync(join(folder, '.river'))).toEqual(['config']);
});

it('says what is missing', async () => {
  await expect(readKubeconfig(file)).rejects.toMatchObject({ code: 'NotFound' });
  await writeKubeconfig(file, entry);
  await expect(readKubeconfig(file, 'nope')).rejects.toThrow('it has: river-dev');
  for (const text of ['[', 'kind: Other', 'kind: Config\nclusters: 5', 'kind: Config\nusers: [null]']) {
    writeFileSync(file, text);
    await expect(readKubeconfig(file), text).rejects.toThrow('is not a kubeconfig file');
  }
  writeFileSync(file, '');
  await expect(readKubeconfig(file)).rejects.toThrow('no current-context');
});
