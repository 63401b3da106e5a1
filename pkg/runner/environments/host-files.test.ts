import { expect, test } from 'vitest';
import { RiverError, realClock, realRng } from '../../base/index.ts';
import { HostFiles } from './host-files.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const content = Buffer.from(Array.from({ length: 1000 }, (_none, index) => index % 251));
const { signal } = new AbortController();
const cut = () => new RiverError('ServiceUnavailable', 'cut off');

/** A host whose connections break after so many bytes each. */
function hostThat(breaksAfter: number, error: () => RiverError = cut) {
  const asked: { offset: number; size: number }[] = [];
  const client = {
    environmentIndex: async () => ({}),
    async *environmentBytes(
      _name: string,
      _digest: string,
      range: { offset: number; size: number },
    ): AsyncGenerator<Uint8Array> {
      asked.push(range);
      const end = range.offset + Math.min(range.size, breaksAfter);
      for (let at = range.offset; at < end; at += 100) yield content.subarray(at, Math.min(at + 100, end));
      if (end < range.offset + range.size) throw error();
    },
  };
  return { client, asked };
}

async function read(files: HostFiles, range: { offset: number; size: number }): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.bytes({ name: 'a', digest }).read(range, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test('a connection that breaks off is made again at the byte that was reached', async () => {
  const { client, asked } = hostThat(250);
  const files = new HostFiles({ client, clock: realClock, rng: realRng, bandwidth: 0 });
  expect(await read(files, { offset: 100, size: 700 })).toEqual(content.subarray(100, 800));
  expect(asked).toEqual([
    { offset: 100, size: 700 },
    { offset: 350, size: 450 },
    { offset: 600, size: 200 },
  ]);
});

test('a file that is gone meanwhile is not asked for again', async () => {
  const { client, asked } = hostThat(250, () => new RiverError('NotFound', 'gone'));
  const files = new HostFiles({ client, clock: realClock, rng: realRng, bandwidth: 0 });
  await expect(read(files, { offset: 0, size: 700 })).rejects.toMatchObject({
    transient: true,
    details: { causes: [{ reason: 'EnvironmentUnavailable' }] },
  });
  expect(asked).toHaveLength(1);
});

test('so many bytes a second and no more', async () => {
  const { client } = hostThat(1000);
  const slept: number[] = [];
  let now = 0;
  const clock = {
    ...realClock,
    monotonic: () => now,
    after: (delayMs: number, callback: () => void) => {
      slept.push(delayMs);
      now += delayMs;
      setImmediate(callback);
      return { cancel: () => {} };
    },
  };
  const files = new HostFiles({ client, clock, rng: realRng, bandwidth: 1000 });
  expect(await read(files, { offset: 0, size: 1000 })).toEqual(content);
  expect(slept.reduce((sum, delayMs) => sum + delayMs, 0)).toBeCloseTo(1000);
});
