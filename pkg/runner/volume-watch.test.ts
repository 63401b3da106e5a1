import { afterEach, expect, test } from 'vitest';
import { ManualClock, settle } from '../../test/support/manual-clock.ts';
import { silentLogger } from '../base/index.ts';
import type { VolumeSpace } from './seams.ts';
import { VolumeWatch } from './volume-watch.ts';

const mebi = 2 ** 20;
const roomy: VolumeSpace = { size: 1000 * mebi, free: 500 * mebi, files: 0, freeFiles: 0 };

let engineDir: string | undefined;
afterEach(() => {
  engineDir = undefined;
});

function watching(space: (path: string) => Promise<VolumeSpace>, minFreeBytes?: number) {
  const clock = new ManualClock();
  let changes = 0;
  const watch = new VolumeWatch({
    volumes: {
      list: [
        { use: 'state', path: '/state' },
        { use: 'temp', path: '/temp' },
        { use: 'logs', path: '/logs' },
      ],
      ...(minFreeBytes === undefined ? {} : { minFreeBytes }),
      space,
    },
    engines: () => (engineDir ? [{ use: 'engine', path: engineDir }] : []),
    ...{ clock, logger: silentLogger },
    onChange: () => {
      changes += 1;
    },
  });
  watch.start();
  const words = () => watch.conditions().map(({ type, status, reason }) => `${type} ${status} ${reason}`);
  const look = async (ms = 10_000) => {
    clock.advance(ms);
    await settle(10);
    return words();
  };
  return { watch, look, changes: () => changes };
}

test('a volume without room is told once, and again when there is clearly room', async () => {
  let free = 500 * mebi;
  const { watch, look, changes } = watching(async (path) => ({
    ...roomy,
    free: path === '/logs' ? free : roomy.free,
  }));
  expect(await look(0)).toEqual(['DiskPressure False RoomLeft', 'LogVolumePressure False RoomLeft']);
  free = 49 * mebi;
  expect(await look()).toEqual(['DiskPressure False RoomLeft', 'LogVolumePressure True NoRoom']);
  free = 45 * mebi;
  await look();
  expect(changes()).toBe(2);
  free = 51 * mebi;
  expect(await look()).toContain('LogVolumePressure True NoRoom');
  free = 70 * mebi;
  expect(await look()).toContain('LogVolumePressure False RoomLeft');
  watch.close();
});

test('the volume of an engine counts from when it is known', async () => {
  const { watch, look } = watching(async (path) => ({ ...roomy, free: path === '/engine' ? 0 : roomy.free }));
  expect((await look(0)).join()).not.toContain('Engine');
  engineDir = '/engine';
  expect(await look()).toEqual([
    'DiskPressure False RoomLeft',
    'LogVolumePressure False RoomLeft',
    'EngineVolumePressure True NoRoom',
  ]);
  watch.close();
});

test('what the configuration says counts, and so does room for files', async () => {
  let freeFiles = 100_000;
  const { watch, look } = watching(async () => ({ ...roomy, files: 1_000_000, freeFiles }), 400 * mebi);
  expect(await look(0)).toContain('DiskPressure False RoomLeft');
  freeFiles = 10;
  expect(await look()).toContain('DiskPressure True NoFilesLeft');
  watch.close();
});

test('a volume that does not answer is asked once, and is no reason to stop looking at the others', async () => {
  let asked = 0;
  const { watch, look } = watching((path) => {
    if (path !== '/logs') return Promise.resolve(roomy);
    asked += 1;
    return new Promise(() => {});
  });
  await look(0);
  expect(await look()).toEqual(['DiskPressure False RoomLeft', 'LogVolumePressure True VolumeHangs']);
  await look();
  await look();
  expect(asked).toBe(1);
  watch.close();
});

test('a folder that is not there', async () => {
  const { watch, look } = watching(async () => {
    throw new Error('ENOENT');
  });
  expect(await look(0)).toContain('DiskPressure True VolumeUnusable');
  watch.close();
});
