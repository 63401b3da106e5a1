import { expect, it } from 'vitest';
import { realClock, seededRng } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { logs } from './logs.ts';

/** A text that is coloured, overwrites its line, and ends in the middle of a letter. */
const written = [Buffer.from('\x1b[31mred\x1b[0m\rover\n'), Buffer.of(0xc3)];

it.each([
  ['env/py', true],
  ['env/py', false],
  ['run/py', true],
  ['run/py', false],
])('the output of %s comes byte by byte as it was written; to a terminal: %s', async (name, isTerminal) => {
  const shown: Uint8Array[] = [];
  const write = async (data: string | Uint8Array) => void shown.push(Buffer.from(data));
  const client = {
    get: async () => ({ status: {} }),
    async *buildLog() {
      yield* written;
    },
    async *logs(_namespace: string, _run: string, { stream }: { stream: string }) {
      if (stream === 'stdout') yield* written;
    },
  };
  const context = {
    io: {
      ...{ clock: realClock, rng: seededRng(1), signal: new AbortController().signal },
      ...{ stdout: { isTerminal, write }, stderr: { isTerminal, write } },
    },
    flags: {},
    connect: async () => ({ client, namespace: 'default' }),
  };
  expect(await logs(context as unknown as Context, [name], { stream: 'both' })).toBe(0);
  expect(Buffer.concat(shown)).toEqual(Buffer.concat(written));
});
