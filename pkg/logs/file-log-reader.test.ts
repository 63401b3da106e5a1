import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { realClock } from '../base/index.ts';
import { FileLogReader } from './file-log-reader.ts';
import type { OutputRequest } from './log-reader.ts';

let folder: string;
let running: boolean;
let listeners: Set<() => void>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-log-'));
  mkdirSync(join(folder, 'b', 'default'), { recursive: true });
  running = true;
  listeners = new Set();
});
afterEach(() => rmSync(folder, { recursive: true }));

const path = () => join(folder, 'b', 'default', 'r.out');

function end(): void {
  running = false;
  for (const listener of listeners) listener();
}

function open(more: Partial<OutputRequest> = {}) {
  return new FileLogReader([join(folder, 'a'), join(folder, 'b')], realClock).open({
    namespace: 'default',
    run: 'r',
    stream: 'stdout',
    mayGrow: () => running,
    onStateChange: (listener) => {
      listeners.add(listener);
      return { close: () => listeners.delete(listener) };
    },
    ...more,
  });
}

async function read(more: Partial<OutputRequest> = {}): Promise<string> {
  const { chunks } = await open(more);
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

it('reads from the first folder that has the file; nothing when none has', async () => {
  expect(await read()).toBe('');
  writeFileSync(path(), 'abc');
  expect(await read()).toBe('abc');
  expect(await read({ offset: 2 })).toBe('c');
  expect(await read({ offset: 99 })).toBe('');
  expect(await read({ stream: 'stderr' })).toBe('');
});

it('counts lines from the end, over blocks, with and without a last newline', async () => {
  const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
  for (const ending of ['\n', '']) {
    writeFileSync(path(), lines.join('\n') + ending);
    for (const tailLines of [1, 2, 15_000, 20_000, 30_000]) {
      expect(await read({ tailLines })).toBe(lines.slice(-tailLines).join('\n') + ending);
    }
  }
  expect(await read({ tailLines: 0 })).toBe('');
  expect((await open({ tailLines: 1 })).startsAt).toBe(
    Buffer.byteLength(`${lines.slice(0, -1).join('\n')}\n`),
  );
});

it('follows a file that comes and grows, and ends with all of it when the run has ended', async () => {
  const { chunks } = await open({ follow: true });
  const parts: string[] = [];
  const last = () => {
    appendFileSync(path(), 'three\n');
    end();
  };
  const steps = [() => appendFileSync(path(), 'two\n'), last];
  writeFileSync(path(), 'one\n');
  for await (const chunk of chunks) {
    parts.push(Buffer.from(chunk).toString());
    steps.shift()?.();
  }
  expect(parts.join('')).toBe('one\ntwo\nthree\n');
  expect(listeners.size).toBe(0);
});

it('ends when the reader goes', async () => {
  const gone = new AbortController();
  const text = read({ follow: true, signal: gone.signal });
  gone.abort();
  expect(await text).toBe('');
});
