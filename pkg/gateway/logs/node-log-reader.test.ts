import { appendFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { refused } from '../../../test/support/api-host.ts';
import { SeenRun, TunnelWorld, textOf } from '../../../test/support/tunnel.ts';
import { RiverError } from '../../base/index.ts';
import type { LogRequest } from '../../logs/index.ts';
import type { Gateway } from '../host/gateway.ts';
import type { RunnerTunnel } from '../node/runner-tunnel.ts';
import { NodeLogReader, type NodeLogReaderOptions } from './node-log-reader.ts';
import { logService } from './service.ts';

const longMs = 15_000;
let world: TunnelWorld;
let gateway: Gateway;
let port: number;
let tunnel: RunnerTunnel;
beforeEach(async () => {
  world = new TunnelWorld();
  ({ gateway, port } = await world.gateway());
  tunnel = world.tunnel('n1', port);
  await gateway.whenConnected('n1', longMs);
});
afterEach(() => world.close());

function reader(more: Partial<NodeLogReaderOptions> = {}): NodeLogReader {
  return new NodeLogReader({ gateway, lastSeen: () => undefined, patienceMs: () => 0, ...more });
}

async function read(run: SeenRun, more: Partial<LogRequest> = {}): Promise<string> {
  return textOf((await reader().open(run.request(more))).chunks);
}

it('reads from the node: all, from an offset, the last lines, nothing', async () => {
  const run = new SeenRun('n1');
  expect(await read(run)).toBe('');
  writeFileSync(world.file('n1', 'r'), 'one\ntwo\nthree\n');
  expect(await read(run)).toBe('one\ntwo\nthree\n');
  expect(await read(run, { offset: 4 })).toBe('two\nthree\n');
  expect(await read(run, { offset: 99 })).toBe('');
  expect(await read(run, { stream: 'stderr' })).toBe('');
  expect((await reader().open(run.request({ tailLines: 1 }))).startsAt).toBe(8);
  expect(await read(run, { tailLines: 2 })).toBe('two\nthree\n');
  expect(await read(new SeenRun())).toBe('');
});

it('a file that somebody has removed is not taken for no output', async () => {
  const error = await refused(reader().open(new SeenRun('n1').request({ exists: true })));
  expect([error.code, error.message]).toEqual([
    'NotFound',
    expect.stringMatching(/^node n1: the stdout of run r is gone/),
  ]);
});

it('follows until the run has ended, to its last byte', async () => {
  const file = world.file('n1', 'r');
  writeFileSync(file, 'one\n');
  const run = new SeenRun('n1');
  const parts: string[] = [];
  const last = () => {
    appendFileSync(file, 'three\n');
    run.change({ ended: true });
  };
  const steps = [() => appendFileSync(file, 'two\n'), last];
  for await (const chunk of (await reader().open(run.request({ follow: true }))).chunks) {
    parts.push(Buffer.from(chunk).toString());
    steps.shift()?.();
  }
  expect(parts.join('')).toBe('one\ntwo\nthree\n');
  expect(run.listeners).toBe(0);
});

it('follows a run that has ended already, and one that never was on a node', async () => {
  writeFileSync(world.file('n1', 'r'), 'all');
  const run = new SeenRun('n1');
  run.change({ ended: true });
  expect(await read(run, { follow: true })).toBe('all');
  const never = new SeenRun();
  const text = read(never, { follow: true });
  never.change({ ended: true });
  expect(await text).toBe('');
  expect(never.listeners + run.listeners).toBe(0);
});

it('follows a run to its node, and on to another one', async () => {
  const run = new SeenRun();
  const early = reader().open(run.request({ follow: true }));
  run.change({ node: 'n1' });
  const chunks = (await reader().open(run.request({ follow: true }))).chunks[Symbol.asyncIterator]();
  const first = chunks.next();
  run.change({ node: undefined });
  world.tunnel('n2', port);
  await gateway.whenConnected('n2', longMs);
  writeFileSync(world.file('n2', 'r'), 'there');
  run.change({ node: 'n2' });
  expect(Buffer.from((await first).value).toString()).toBe('there');
  run.change({ ended: true });
  expect(await textOf((await early).chunks)).toBe('there');
  expect((await chunks.next()).done).toBe(true);
});

it('a reader that goes lets go of the node', async () => {
  const run = new SeenRun('n1');
  for (let round = 0; round < 100; round++) {
    const gone = new AbortController();
    const text = read(run, { follow: true, signal: gone.signal });
    setImmediate(() => gone.abort());
    expect(await text).toBe('');
  }
  writeFileSync(world.file('n1', 'r'), 'begun');
  for (let round = 0; round < 100; round++) {
    const gone = new AbortController();
    const request = run.request({ follow: true, signal: gone.signal });
    const chunks = (await reader().open(request)).chunks[Symbol.asyncIterator]();
    await chunks.next();
    gone.abort();
    expect((await chunks.next()).done).toBe(true);
  }
  // More than so many at a time are refused: none of them was left open.
  writeFileSync(world.file('n1', 'r'), 'still');
  await expect.poll(() => read(run).catch(String), { timeout: longMs }).toBe('still');
  expect(run.listeners).toBe(0);
});

it('a stream that breaks says so, and the rest is there from its offset', async () => {
  const file = world.file('n1', 'r');
  writeFileSync(file, 'one\n');
  const run = new SeenRun('n1');
  const chunks = (await reader().open(run.request({ follow: true }))).chunks[Symbol.asyncIterator]();
  expect(Buffer.from((await chunks.next()).value).toString()).toBe('one\n');
  tunnel.close();
  const error = await refused(chunks.next());
  expect([error.code, error.message]).toEqual(['ServiceUnavailable', 'the connection to node n1 broke']);
  appendFileSync(file, 'two\n');
  world.tunnel('n1', port);
  await gateway.whenConnected('n1', longMs);
  run.change({ ended: true });
  expect(await read(run, { follow: true, offset: 4 })).toBe('two\n');
});

it('a node that is away: the shared directory, else a sentence with its name', async () => {
  const run = new SeenRun('n2');
  const away = reader({ lastSeen: (node) => (node === 'n2' ? '2026-11-22T10:00:00.000Z' : undefined) });
  expect((await refused(away.open(run.request()))).message).toMatch(
    /^the output of run r is on node n2, which is not connected \(last seen 2026-11-22T10:00:00.000Z\): /,
  );
  const shared = reader({ shared: world.output('shared') });
  expect((await refused(shared.open(run.request()))).code).toBe('ServiceUnavailable');
  writeFileSync(world.file('shared', 'r'), 'shared');
  expect(await textOf((await shared.open(run.request())).chunks)).toBe('shared');
});

it('a node that does not answer although its tunnel is there: the shared directory', async () => {
  const shared = world.output('shared');
  writeFileSync(world.file('shared', 'r'), 'shared');
  const hanging = {
    isConnected: () => true,
    whenConnected: () => Promise.resolve(true),
    openChannel: () => Promise.reject(new RiverError('Timeout', 'no answer')),
  };
  const request = new SeenRun('n1').request();
  expect(await textOf((await reader({ gateway: hanging, shared }).open(request)).chunks)).toBe('shared');
  expect((await refused(reader({ gateway: hanging }).open(request))).code).toBe('Timeout');
});

it('waits a moment for a node that is heard of', async () => {
  const text = reader({ patienceMs: () => longMs }).open(new SeenRun('n2').request());
  writeFileSync(world.file('n2', 'r'), 'late');
  world.tunnel('n2', port);
  expect(await textOf((await text).chunks)).toBe('late');
});

it('gives a name that leads out of the folder to nobody', async () => {
  const bad = [
    { run: '../../n2/default/r' },
    { run: '/etc/passwd' },
    { run: '..' },
    { run: '' },
    { namespace: '..' },
    { namespace: 'a/b' },
    { run: 7 as unknown as string },
    { stream: 'out' as 'stdout' },
    { offset: -1 },
    { offset: 0.5 },
    { tailLines: 'all' as unknown as number },
  ];
  for (const each of bad) {
    expect((await refused(reader().open(new SeenRun('n1').request(each)))).code, JSON.stringify(each)).toBe(
      'BadRequest',
    );
  }
});

it('a slow reader holds the file back, not the memory, and nobody else', async () => {
  const size = 100 * 2 ** 20;
  writeFileSync(world.file('n1', 'r'), Buffer.alloc(size, 'x'));
  const read: number[] = [];
  const output = world.output('n1');
  world.services.logs = logService({
    async open(request) {
      const index = read.push(0) - 1;
      const { startsAt, chunks } = await output.open(request);
      const counted = async function* () {
        for await (const chunk of chunks) {
          read[index] = (read[index] ?? 0) + chunk.length;
          yield chunk;
        }
      };
      return { startsAt, chunks: counted() };
    },
  });
  world.tunnel('n2', port);
  await gateway.whenConnected('n2', longMs);
  const open = async () => (await reader().open(new SeenRun('n2').request())).chunks[Symbol.asyncIterator]();
  const rest = async (chunks: AsyncIterator<Uint8Array>) => {
    let bytes = 0;
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) bytes += next.value.length;
    return bytes;
  };
  const slow = await open();
  const first = (await slow.next()).value.length;
  expect(await rest(await open())).toBe(size);
  // Two windows of ssh and a block of the file.
  expect(read[0]).toBeLessThan(5 * 2 ** 20);
  expect(await rest(slow)).toBe(size - first);
}, 60_000);
