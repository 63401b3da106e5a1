import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import Docker from 'dockerode';
import { afterAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../pkg/base/index.ts';
import { collectImages } from '../../pkg/builder/images/collect.ts';
import { finished } from '../../pkg/builder/images/engine.ts';
import { labels, stepLabel } from '../../pkg/builder/images/labels.ts';
import { withEngine } from '../env/engine.ts';
import { layerOf } from '../support/environment-file.ts';

const { engine } = await withEngine();
const docker = new Docker({ socketPath: engine?.socketPath ?? '/nowhere/docker.sock' });

const cluster = 'c1';

/** An image without a tag, as a step leaves one; `label`: none for what river has not made. */
async function layer(label: Record<string, string>): Promise<string> {
  const changes = Object.entries(label).map(([key, value]) => `LABEL ${key}=${value}`);
  const tar = Readable.from([layerOf({ 'data.bin': randomBytes(2000) })]);
  const lines = await finished(docker, await docker.importImage(tar, { changes } as object));
  return lines.at(-1)?.status ?? '';
}

const has = async (id: string) => (await docker.listImages({ all: true })).some(({ Id }) => Id === id);

const collect = (isTight: () => Promise<boolean>) =>
  collectImages(docker, {
    ...{ cluster, isKept: () => true, isKnown: () => true },
    before: 0,
    isTight,
    logger: silentLogger,
  });

afterAll(() => engine?.release());

describe.skipIf(!engine)('layers that no Environment uses', () => {
  test('stay while they are young and there is room; on a tight disk they go until there is room', async () => {
    const mine = { [labels.step]: stepLabel(cluster, randomBytes(8).toString('hex')) };
    for (const _ of [1, 2, 3]) await layer(mine);
    const left = async () => {
      const label = [`${labels.step}=${mine[labels.step]}`];
      return (await docker.listImages({ filters: { label } })).map(({ Id }) => Id);
    };
    const foreign = await layer({});

    await collect(async () => false);
    expect(await left()).toHaveLength(3);
    await collect(async () => (await left()).length > 2);
    expect(await left()).toHaveLength(2);

    const [used = ''] = await left();
    const container = await docker.createContainer({ Image: used, Cmd: ['none'] });
    await collect(async () => true);
    expect(await left()).toEqual([used]);

    await container.remove();
    await collect(async () => true);
    expect(await left()).toEqual([]);
    expect(await has(foreign)).toBe(true);
    await docker.getImage(foreign).remove();
  });
});
