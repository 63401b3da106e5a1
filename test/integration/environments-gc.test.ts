import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Docker from 'dockerode';
import { afterAll, describe, expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { imageTag } from '../../pkg/environment/index.ts';
import { dockerImageStore } from '../../pkg/executor/docker/index.ts';
import { type EnvironmentReference, Environments } from '../../pkg/runner/environments/index.ts';
import { EnvironmentDirectory, openIntents } from '../../pkg/runner/index.ts';
import { withEngine } from '../env/engine.ts';
import { type EnvironmentFile, environmentFile, layerOf } from '../support/environment-file.ts';
import { eventually, temporaryFolder } from './executor-parts.ts';

const { engine } = await withEngine();
const socketPath = engine?.socketPath ?? '/nowhere/docker.sock';
const docker = new Docker({ socketPath });
const folder = temporaryFolder();
const salt = randomBytes(8).toString('hex');
const store = dockerImageStore({ socketPath, logger: silentLogger });
const intents = openIntents(join(folder.path, 'runner.db'), realClock);
const opened: Environments[] = [];
const made: EnvironmentFile[] = [];
const quiet = { signal: new AbortController().signal, onProgress: () => {} };

function node(keepUnusedMs: number, needed: EnvironmentReference[]): Environments {
  const environments = new Environments({
    ...{ store, intents, clusterUid: 'c1', clock: realClock, rng: realRng, logger: silentLogger },
    count: () => {},
    host: new EnvironmentDirectory(folder.path),
    settings: { keepUnusedMs, minFreeBytes: 0 },
    needed: () => needed,
    onChanged: () => {},
  });
  opened.push(environments);
  return environments;
}

function environment(name: string): EnvironmentFile {
  const file = environmentFile(folder.path, `${name}-${salt}`, [layerOf({ [name]: randomBytes(5000) })]);
  made.push(file);
  return file;
}

const has = async ({ image }: EnvironmentFile) =>
  (await store.find(image.name, image.digest)) === image.digest;

afterAll(async () => {
  for (const environments of opened) environments.close();
  for (const { image } of engine ? made : [])
    await docker
      .getImage(image.digest)
      .remove({ force: true })
      .catch(() => {});
  intents.close();
  await engine?.release();
  folder.remove();
});

describe.skipIf(!engine)('unused environments in a real engine', () => {
  test('go, but not what a Run or a container uses, nor what the runner has not loaded', async () => {
    const [unused, needed, used, foreign] = ['unused', 'needed', 'used', 'foreign'].map(environment) as [
      EnvironmentFile,
      EnvironmentFile,
      EnvironmentFile,
      EnvironmentFile,
    ];
    const first = node(0, []);
    for (const { image } of [unused, needed, used]) await first.ensure(image, quiet);
    // As a host that builds on the same engine has it.
    await docker.loadImage(foreign.tarball);
    const [repo = '', tag = ''] = imageTag(foreign.image.name, foreign.image.digest).split(':');
    await docker.getImage(foreign.image.digest).tag({ repo, tag });
    const container = await docker.createContainer({ Image: used.image.digest, Cmd: ['none'] });
    for (const record of intents.environments()) await intents.putEnvironment({ ...record, lastUsedAt: 1 });

    node(1, [needed.image]).start();
    await eventually('the unused one to go', async () => !(await has(unused)));
    await eventually('its record to go', async () => intents.environments().length === 2);
    expect([await has(needed), await has(used), await has(foreign)]).toEqual([true, true, true]);

    await container.remove();
    for (const record of intents.environments()) await intents.putEnvironment({ ...record, lastUsedAt: 1 });
    node(1, [needed.image]).start();
    await eventually('what no container uses any more to go', async () => !(await has(used)));
    expect([await has(needed), await has(foreign)]).toEqual([true, true]);
  });
});
