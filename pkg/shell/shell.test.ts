import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { ManualClock, until } from '../../test/support/manual-clock.ts';
import { RiverError, realClock, silentLogger } from '../base/index.ts';
import { frameLimit, protocol } from './frames.ts';
import { type OutputPiece, remoteShell, type ShellProcess, serveShell, type TerminalSize } from './index.ts';

const piece = (text: string | Buffer, stream: OutputPiece['stream'] = 'stdout') => ({
  stream,
  data: Buffer.from(text as string),
});

/** A program whose output and ending a test decides. */
class Program implements ShellProcess {
  output: AsyncIterable<OutputPiece> = (async function* () {})();
  code: Promise<number> = Promise.resolve(0);
  readonly input: string[] = [];
  readonly sizes: TerminalSize[] = [];
  isHungUp = false;
  takes: Promise<void> = Promise.resolve();

  async write(data: Uint8Array): Promise<void> {
    this.input.push(Buffer.from(data).toString());
    await this.takes;
  }
  endInput(): void {
    this.input.push('<end>');
  }
  resize(size: TerminalSize): void {
    this.sizes.push(size);
  }
  exitCode(): Promise<number> {
    return this.code;
  }
  async hangUp(): Promise<void> {
    this.isHungUp = true;
  }
}

let server: WebSocketServer;
let program: Program;
let clock: ManualClock;
let stopping: AbortController;
let served: Promise<void>[];
let start: () => Promise<ShellProcess>;
const never = new Promise<never>(() => {});

beforeEach(async () => {
  program = new Program();
  clock = new ManualClock();
  stopping = new AbortController();
  served = [];
  start = async () => program;
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: frameLimit });
  server.on('connection', (socket) => {
    const streams = { stdin: true, stdout: true, stderr: true };
    const parts = { start: () => start(), streams, clock, logger: silentLogger, stopping: stopping.signal };
    served.push(serveShell(socket, parts));
  });
  await once(server, 'listening');
});

afterEach(async () => {
  for (const client of server.clients) client.terminate();
  await Promise.all(served);
  server.close();
});

function dial(options: { autoPong?: boolean } = {}): WebSocket {
  const { port } = server.address() as AddressInfo;
  return new WebSocket(`ws://127.0.0.1:${port}`, [protocol], options);
}

async function connect(): Promise<ShellProcess> {
  const socket = dial();
  const shell = remoteShell(socket, 'https://host', realClock);
  await once(socket, 'open');
  return shell;
}

async function collect(shell: ShellProcess): Promise<OutputPiece[]> {
  const pieces: OutputPiece[] = [];
  for await (const each of shell.output) pieces.push(each);
  return pieces;
}

/** Until a number has stood still for a while. */
async function standsStill(read: () => number): Promise<void> {
  for (let last = -1, same = 0; same < 3_000; same++) {
    if (read() !== last || last === 0) same = 0;
    last = read();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const failure = (shell: ShellProcess) => shell.exitCode().catch((error: RiverError) => error);

describe('a shell over a connection', () => {
  it('passes output in order, input, sizes and the exit code', async () => {
    program.output = (async function* () {
      yield piece('a');
      yield piece('b', 'stderr');
      await until(() => program.input.includes('<end>'));
      yield piece('c');
    })();
    program.code = Promise.resolve(137);
    const shell = await connect();
    shell.resize({ columns: 80, rows: 24 });
    await shell.write(Buffer.from('hello'));
    shell.endInput();
    expect(await collect(shell)).toEqual([piece('a'), piece('b', 'stderr'), piece('c')]);
    expect(await shell.exitCode()).toBe(137);
    expect(program.input).toEqual(['hello', '<end>']);
    expect(program.sizes).toEqual([{ columns: 80, rows: 24 }]);
    await Promise.all(served);
    expect(program.isHungUp).toBe(false);
  });

  it('lets the program wait for a client that does not read', async () => {
    const size = 64 * 1024;
    let taken = 0;
    program.output = (async function* () {
      for (; taken < 2_000; taken++) yield piece(Buffer.alloc(size, taken % 256));
    })();
    const shell = await connect();
    await standsStill(() => taken);
    expect(taken).toBeLessThan(1_000);
    let received = 0;
    for await (const { data } of shell.output) {
      expect(data[0]).toBe(Math.floor(received / size) % 256);
      received += data.length;
    }
    expect(received).toBe(2_000 * size);
    expect(await shell.exitCode()).toBe(0);
  });

  it('lets the client wait for a program that does not read', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    program.takes = promise;
    program.output = (async function* () {
      await until(() => program.input.at(-1) === '<end>');
    })();
    const shell = await connect();
    let written = 0;
    const writing = (async () => {
      for (; written < 1_000; written++) await shell.write(Buffer.alloc(64 * 1024));
      shell.endInput();
    })();
    await standsStill(() => written);
    expect(written).toBeLessThan(900);
    expect(program.input).toHaveLength(1);
    resolve();
    await writing;
    await collect(shell);
    expect(program.input).toHaveLength(1_001);
  });

  it('hangs up a program whose client has gone', async () => {
    program.output = { [Symbol.asyncIterator]: () => ({ next: () => never }) };
    const shell = await connect();
    await shell.hangUp();
    await until(() => program.isHungUp);
    expect(await failure(shell)).toMatchObject({ code: 'ServiceUnavailable' });
  });

  it('hangs up also a program that takes no more input', async () => {
    program.output = { [Symbol.asyncIterator]: () => ({ next: () => never }) };
    program.takes = never;
    const shell = await connect();
    await shell.write(Buffer.from('hi'));
    await until(() => program.input.length === 1);
    await shell.hangUp();
    // A connection that is not read says nothing: it is the next ping that fails.
    await until(() => {
      clock.advance(10_000);
      return program.isHungUp;
    });
  });

  it('hangs up a program whose client says nothing any more, but not one that waits for it', async () => {
    program.output = { [Symbol.asyncIterator]: () => ({ next: () => never }) };
    const { promise, resolve } = Promise.withResolvers<void>();
    program.takes = promise;
    const socket = dial({ autoPong: false });
    await once(socket, 'open');
    socket.send(Buffer.from('\x00hi'));
    await until(() => program.input.length === 1);
    clock.advance(120_000);
    await once(socket, 'ping');
    expect([program.isHungUp, [...server.clients][0]?.readyState]).toEqual([false, WebSocket.OPEN]);
    resolve();
    await until(() => !([...server.clients][0]?.isPaused ?? false));
    clock.advance(120_000);
    await until(() => program.isHungUp);
  });

  it('is told when the host stops', async () => {
    program.output = { [Symbol.asyncIterator]: () => ({ next: () => never }) };
    const shell = await connect();
    await until(() => served.length === 1);
    stopping.abort();
    await collect(shell);
    expect(await failure(shell)).toMatchObject({
      code: 'ServiceUnavailable',
      message: 'the host is shutting down: the shell has ended',
    });
    await Promise.all(served);
    expect(program.isHungUp).toBe(true);
  });

  it('does not hold the host up when its program has ended and the client has not read all of it', async () => {
    const socket = dial({ autoPong: false });
    const closed = once(socket, 'close');
    await once(socket, 'ping');
    stopping.abort();
    await Promise.all(served);
    await closed;
  });

  it('is told so also before its program has begun, which is hung up when it does', async () => {
    const begins = Promise.withResolvers<ShellProcess>();
    start = () => begins.promise;
    const shell = await connect();
    await until(() => served.length === 1);
    stopping.abort();
    await collect(shell);
    expect(await failure(shell)).toMatchObject({ message: expect.stringContaining('shutting down') });
    await Promise.all(served);
    begins.resolve(program);
    await until(() => program.isHungUp);
  });

  it('is told why there is no program', async () => {
    start = async () => {
      throw new RiverError('Conflict', 'no shell in it');
    };
    const shell = await connect();
    await collect(shell);
    expect(await failure(shell)).toMatchObject({ code: 'Conflict', message: 'no shell in it' });
  });

  it('ends with what is wrong for a client that does not speak the protocol', async () => {
    for (const [message, code, reason] of [
      [Buffer.of(7, 1), 1002, 'there is no channel 7'],
      [Buffer.from('\x01hi'), 1002, 'a client writes nothing on the channel stdout'],
      [Buffer.from('\x04{}'), 1002, 'a size must be'],
      ['text', 1002, 'messages must be binary'],
      [Buffer.alloc(frameLimit + 1), 1009, ''],
    ] as const) {
      program = new Program();
      program.output = { [Symbol.asyncIterator]: () => ({ next: () => never }) };
      const socket = dial();
      await once(socket, 'open');
      socket.send(message);
      const [closeCode, said] = (await once(socket, 'close')) as [number, Buffer];
      expect([closeCode, said.toString()]).toEqual([code, expect.stringContaining(reason)]);
      await until(() => program.isHungUp);
    }
  });

  it('tells a host that goes away without a word from an end', async () => {
    program.output = { [Symbol.asyncIterator]: () => ({ next: () => never }) };
    const shell = await connect();
    await until(() => server.clients.size === 1);
    for (const client of server.clients) client.terminate();
    await collect(shell);
    expect(await failure(shell)).toMatchObject({
      code: 'ServiceUnavailable',
      message: expect.stringContaining('the connection to the host at https://host was lost'),
    });
  });
});
