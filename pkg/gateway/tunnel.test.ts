import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import ssh2, { type IdentityCallback, type ParsedKey, type SignCallback } from 'ssh2';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { refused } from '../../test/support/api-host.ts';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { TunnelWorld, textOf } from '../../test/support/tunnel.ts';
import { parseSshKey, type SshKey } from './keys.ts';

let world: TunnelWorld;
beforeEach(() => {
  world = new TunnelWorld();
});
afterEach(() => world.close());

const longMs = 15_000;

/** Tries to get in as anybody, as a stranger's program would. Resolves with what it got. */
function dial(port: number, username: string, key: SshKey): Promise<'in' | string> {
  const client = new ssh2.Client();
  return new Promise<string>((resolve) => {
    client.on('ready', () => resolve('in'));
    client.on('error', (error) => resolve(error.message));
    client.on('close', () => resolve('closed'));
    client.connect({ host: '127.0.0.1', port, username, privateKey: key.privateKey });
  }).finally(() => client.destroy());
}

it('lets in a node with its own key and no other', async () => {
  const { port } = await world.gateway();
  world.keys.set('n1', world.key('n1').publicKey);
  world.keys.set('n2', world.key('n2').publicKey);
  expect(await dial(port, 'node/n1', world.key('n1'))).toBe('in');
  expect(world.warnings).toEqual([]);
  const tries: [string, string][] = [
    ['node/n1', 'n2'],
    ['node/n1', 'stranger'],
    ['node/n3', 'n1'],
    ['n1', 'n1'],
    ['node/../n1', 'n1'],
    ['root', 'n1'],
  ];
  for (const [user, key] of tries) {
    expect(await dial(port, user, world.key(key)), `${user} with the key of ${key}`).toMatch(
      /authentication methods failed/,
    );
  }
  const { message } = world.warnings[0] ?? {};
  expect(message).toBe('a connection to the gateway was refused');
  expect(world.warnings.map(({ fields }) => [fields.user, fields.reason])).toEqual([
    ['node/n1', 'it is not the key of this node'],
    ['node/n1', 'it is not the key of this node'],
    ['node/n3', 'no key of this node is known'],
    ['n1', 'it gives no name of a node'],
    ['node/../n1', 'it gives no name of a node'],
    ['root', 'it gives no name of a node'],
  ]);
});

it('a key that is only shown, and not had, is refused', async () => {
  const { port } = await world.gateway();
  world.keys.set('n1', world.key('n1').publicKey);
  class Pretender extends ssh2.BaseAgent<ParsedKey> {
    override getIdentities(callback: IdentityCallback<ParsedKey>): void {
      callback(undefined, [parseSshKey(world.key('n1').publicKey) as ParsedKey]);
    }
    override sign(_key: ParsedKey, data: Buffer, ...rest: unknown[]): void {
      const callback = rest.at(-1) as SignCallback;
      callback(undefined, parseSshKey(world.key('stranger').privateKey)?.sign(data));
    }
  }
  const client = new ssh2.Client();
  const outcome = await new Promise<string>((resolve) => {
    client.on('ready', () => resolve('in'));
    client.on('error', (error) => resolve(error.message));
    client.connect({ host: '127.0.0.1', port, username: 'node/n1', agent: new Pretender() });
  });
  client.destroy();
  expect(outcome).toMatch(/authentication methods failed/);
  expect(world.warnings.map(({ fields }) => fields.reason)).toEqual(['the signature is wrong']);
});

it('gives a node nothing but its one forwarded name', async () => {
  const { gateway, port } = await world.gateway();
  world.keys.set('n1', world.key('n1').publicKey);
  const client = new ssh2.Client();
  const asked = (call: (done: (error: unknown) => void) => void) => new Promise((resolve) => call(resolve));
  await new Promise((resolve) => {
    client.on('ready', () => resolve(undefined));
    const privateKey = world.key('n1').privateKey;
    client.connect({ host: '127.0.0.1', port, username: 'node/n1', privateKey });
  });
  expect(await asked((done) => client.exec('id', done))).toBeInstanceOf(Error);
  expect(await asked((done) => client.shell(done))).toBeInstanceOf(Error);
  expect(await asked((done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', port, done))).toBeInstanceOf(
    Error,
  );
  expect(await asked((done) => client.forwardIn('0.0.0.0', 0, done))).toBeInstanceOf(Error);
  expect(await asked((done) => client.openssh_forwardInStreamLocal('/tmp/x', done))).toBeInstanceOf(Error);
  expect(gateway.isConnected('n1')).toBe(false);
  client.destroy();
});

it('takes the host for the host only when it has the key that the API told', async () => {
  const { gateway, port } = await world.gateway();
  world.tunnel('n1', port, { pinned: world.key('another').publicKey });
  await expect.poll(() => world.warnings.length, { timeout: longMs }).toBe(1);
  expect(world.warnings[0]?.fields.reason).toMatch(/Host denied|verification failed/);
  expect(gateway.isConnected('n1')).toBe(false);
});

it('gives up a host that says nothing, and one that speaks something else', async () => {
  const clock = new ManualClock();
  const sockets: Socket[] = [];
  const mute = createServer((socket) => sockets.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
  const closed = (index: number) => new Promise((resolve) => sockets[index]?.on('close', resolve).resume());
  const tunnel = world.tunnel('n1', (mute.address() as AddressInfo).port, { clock });
  await expect.poll(() => sockets.length, { timeout: longMs }).toBe(1);
  clock.advance(10_000);
  await closed(0);
  await expect.poll(() => world.warnings.length, { timeout: longMs }).toBe(1);
  expect(world.warnings[0]?.fields.reason).toBe('it did not come about in time');
  clock.advance(5_000);
  await expect.poll(() => sockets.length, { timeout: longMs }).toBe(2);
  sockets[1]?.write('SSH-2.0-other\r\nthis is not ssh at all, and it is never closed\r\n');
  await closed(1);
  tunnel.close();
  mute.close();
});

it('closes a connection that does not become a tunnel, and takes no more than so many', async () => {
  const { port } = await world.gateway({ strangerMs: 300, strangers: 2 });
  const sockets = [0, 1, 2].map(() => connect(port, '127.0.0.1'));
  await Promise.all(
    sockets.map((socket) => {
      socket.on('error', () => {});
      return new Promise((resolve) => socket.on('close', resolve).resume());
    }),
  );
  expect(world.warnings.map(({ message }) => message)).toEqual(
    Array(2).fill('a connection to the gateway was closed: it never became a tunnel'),
  );
});

it('opens channels by service; what a service refuses arrives as what it is', async () => {
  world.services.shout = async ({ word }, channel) => {
    await channel.answer({ loud: true });
    for (const letter of String(word).toUpperCase()) await channel.send(Buffer.from(letter));
  };
  world.services.fail = async (_request, channel) => {
    await channel.answer({});
    await channel.send(Buffer.from('half'));
    throw new Error('the disk is gone');
  };
  const { gateway, port } = await world.gateway();
  world.tunnel('n1', port);
  expect(await gateway.whenConnected('n1', longMs)).toBe(true);
  const channel = await gateway.openChannel('n1', { service: 'shout', word: 'river' });
  expect(channel.answer).toEqual({ loud: true });
  expect(await textOf(channel.chunks)).toBe('RIVER');
  const failing = await gateway.openChannel('n1', { service: 'fail' });
  expect((await refused(textOf(failing.chunks))).message).toBe('node n1: the disk is gone');
  for (const service of ['none', 'toString', '__proto__', 7 as unknown as string]) {
    const error = await refused(gateway.openChannel('n1', { service }));
    expect([error.code, error.message]).toEqual(['NotFound', expect.stringContaining('there is no service')]);
  }
  const long = await refused(gateway.openChannel('n1', { service: 'shout', word: 'x'.repeat(20_000) }));
  expect(long.code).toBe('BadRequest');
  expect((await refused(gateway.openChannel('n2', { service: 'shout' }))).code).toBe('ServiceUnavailable');
});

it('limits the channels of a node, on both sides, and counts those that have ended no more', async () => {
  world.services.wait = async (_request, channel) => {
    await channel.answer({});
    await new Promise<void>((resolve) => {
      channel.onFinished(resolve);
    });
  };
  const { gateway, port } = await world.gateway({ channels: 3 });
  world.tunnel('n1', port, { channels: 2 });
  await gateway.whenConnected('n1', longMs);
  const open = () => gateway.openChannel('n1', { service: 'wait' });
  const first = await open();
  const second = await open();
  expect((await refused(open())).code).toBe('ServiceUnavailable');
  first.finish();
  expect(await textOf(first.chunks)).toBe('');
  second.close();
  await expect
    .poll(
      () =>
        open().then(
          () => true,
          () => false,
        ),
      { timeout: longMs },
    )
    .toBe(true);
  await expect
    .poll(
      () =>
        open().then(
          () => true,
          () => false,
        ),
      { timeout: longMs },
    )
    .toBe(true);
  world.tunnel('n2', port);
  await gateway.whenConnected('n2', longMs);
  const calls = Array.from({ length: 4 }, () => gateway.openChannel('n2', { service: 'wait' }));
  const codes = (await Promise.allSettled(calls)).map(
    (each) => each.status === 'rejected' && each.reason.code,
  );
  expect(codes).toEqual([false, false, false, 'TooManyRequests']);
});

it('a service that does not answer is given up', async () => {
  world.services.silent = (_request, channel) =>
    new Promise<void>((resolve) => channel.signal.addEventListener('abort', () => resolve()));
  const { gateway, port } = await world.gateway({ answerMs: 100 });
  world.tunnel('n1', port);
  await gateway.whenConnected('n1', longMs);
  expect((await refused(gateway.openChannel('n1', { service: 'silent' }))).code).toBe('Timeout');
});

it('comes back when the host does, on the same port or on another', async () => {
  const first = await world.gateway();
  const tunnel = world.tunnel('n1', first.port);
  expect(await first.gateway.whenConnected('n1', longMs)).toBe(true);
  await first.gateway.close();
  const second = await world.gateway({}, first.port);
  expect(await second.gateway.whenConnected('n1', longMs)).toBe(true);
  const third = await world.gateway();
  tunnel.offered({ port: third.port, publicKey: third.gateway.publicKey });
  expect(await third.gateway.whenConnected('n1', longMs)).toBe(true);
  await expect.poll(() => second.gateway.isConnected('n1'), { timeout: longMs }).toBe(false);
  tunnel.offered(undefined);
  await expect.poll(() => third.gateway.isConnected('n1'), { timeout: longMs }).toBe(false);
});

/** A wire to the gateway that can be made to swallow everything, as a cut cable does. */
class Wire {
  readonly pairs: [Socket, Socket][] = [];
  readonly #server;

  constructor(port: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      this.pairs.push([near, far]);
      near
        .on('error', () => {})
        .pipe(far.on('error', () => {}))
        .pipe(near);
    });
  }

  async open(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as AddressInfo).port;
  }

  swallow(): void {
    for (const socket of this.pairs.flat()) socket.unpipe().pause();
  }

  close(): void {
    for (const socket of this.pairs.flat()) socket.destroy();
    this.#server.close();
  }
}

it('a runner that hears nothing any more connects again', async () => {
  const { gateway, port } = await world.gateway({ keepaliveMs: longMs });
  const wire = new Wire(port);
  world.services.wait = async (_request, channel) => channel.answer({}).then(() => new Promise(() => {}));
  world.tunnel('n1', await wire.open(), { keepaliveMs: 40 });
  expect(await gateway.whenConnected('n1', longMs)).toBe(true);
  const { chunks } = await gateway.openChannel('n1', { service: 'wait' });
  wire.swallow();
  expect((await refused(textOf(chunks))).message).toBe('the connection to node n1 broke');
  await expect.poll(() => wire.pairs.length, { timeout: longMs }).toBeGreaterThan(1);
  expect(await gateway.whenConnected('n1', longMs)).toBe(true);
  expect((await gateway.openChannel('n1', { service: 'wait' })).answer).toEqual({});
  wire.close();
});

it('a node that is not heard of any more is not connected', async () => {
  const { gateway, port } = await world.gateway({ keepaliveMs: 50 });
  const wire = new Wire(port);
  const tunnel = world.tunnel('n1', await wire.open(), { keepaliveMs: longMs });
  expect(await gateway.whenConnected('n1', longMs)).toBe(true);
  wire.swallow();
  await expect.poll(() => gateway.isConnected('n1'), { timeout: longMs }).toBe(false);
  tunnel.close();
  wire.close();
});

it('the newest tunnel of a node counts; one with a key that the node has no more does not', async () => {
  world.services.who = async (_request, channel) => channel.answer({ session: 1 });
  const { gateway, port } = await world.gateway();
  const first = world.tunnel('n1', port);
  await gateway.whenConnected('n1', longMs);
  world.services.who = async (_request, channel) => channel.answer({ session: 2 });
  world.tunnel('n1', port);
  await expect
    .poll(async () => (await gateway.openChannel('n1', { service: 'who' })).answer, { timeout: longMs })
    .toEqual({ session: 2 });
  first.close();
  world.keys.set('n1', world.key('new').publicKey);
  expect(gateway.isConnected('n1')).toBe(false);
  world.keys.delete('n1');
  expect(await gateway.whenConnected('n1', 0)).toBe(false);
});

it('a port that is taken is told with what to do', async () => {
  const { port } = await world.gateway();
  const error = await refused(world.gateway({}, port));
  expect([error.code, error.message]).toEqual([
    'ServiceUnavailable',
    expect.stringContaining('gateway.port'),
  ]);
});
