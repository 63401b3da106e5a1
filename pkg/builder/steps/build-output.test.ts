import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { hasCode } from '../../base/index.ts';
import { readBuild } from './build-output.ts';

const line = (value: object) => `${JSON.stringify(value)}\n`;
const ignored = () => {};

test('the output of the step comes whole, wherever the network cuts it', async () => {
  const bytes = Buffer.from(
    line({ stream: 'Step 1/2 : FROM x' }) + line({ stream: 'größer\n' }) + line({ aux: { ID: 'sha256:1' } }),
  );
  let text = '';
  const pieces = Readable.from(Array.from(bytes, (byte) => Buffer.of(byte)));
  const outcome = await readBuild(pieces, (piece) => {
    text += piece;
  });
  expect(text).toBe('größer\n');
  expect(outcome).toEqual({ image: 'sha256:1' });
});

test('an answer that is cut off is the engine that went away; what its reader cannot write is not', async () => {
  const cut = Readable.from([Buffer.from('{"stream":"on')]);
  const away = await readBuild(cut, ignored).catch((error: unknown) => error);
  expect(hasCode(away, 'ServiceUnavailable')).toBe(true);
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const refused = readBuild(Readable.from([Buffer.from(line({ stream: 'one\n' }))]), () => {
    throw full;
  });
  await expect(refused).rejects.toBe(full);
});
