import { createPublicKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Clock, realClock, realRng, silentLogger } from '../base/index.ts';
import { authorityCertificate, fingerprintOf, openAuthority } from './authority.ts';
import { nodeKey } from './node-credential.ts';
import { ServerCertificate } from './server-certificate.ts';

const dayMs = 24 * 3600 * 1000;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-identity-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The real clock, so many days later. Its timers are kept, and fire when told to. */
class LaterClock implements Clock {
  days = 0;
  readonly timers: (() => void)[] = [];
  now = () => realClock.now() + this.days * dayMs;
  monotonic = () => realClock.monotonic();
  nextTurn = (callback: () => void) => realClock.nextTurn(callback);
  after = (_delayMs: number, callback: () => void) => {
    this.timers.push(callback);
    return { cancel: () => {} };
  };
}

const open = (clock: Clock = realClock) => openAuthority(folder, { clock, rng: realRng });

async function server(clock: Clock, names: string[] = ['lab.example', '127.0.0.1', '::1']) {
  const parts = { directory: folder, authority: await open(clock), clock, logger: silentLogger };
  return new ServerCertificate({ ...parts, names: () => names });
}

it('the authority is made once, for its owner only, and lasts', async () => {
  expect(() => authorityCertificate(folder)).toThrow('start river-host once');
  const authority = await open();
  const certificate = new X509Certificate(authority.certificate);
  expect(statSync(join(folder, 'ca.pem')).mode & 0o777).toBe(0o600);
  expect(certificate.ca).toBe(true);
  expect(certificate.validToDate.getTime() - realClock.now()).toBeGreaterThan(29 * 365 * dayMs);
  expect((await open()).certificate).toBe(authority.certificate);
  expect(authorityCertificate(folder)).toBe(authority.certificate);
  expect(fingerprintOf(certificate.raw)).toBe(authority.fingerprint);
  chmodSync(join(folder, 'ca.pem'), 0o640);
  await expect(open()).rejects.toThrow('chmod 600');
});

it('a server certificate is for its names and nobody else, and no authority itself', async () => {
  const { ca, cert } = await (await server(realClock)).start();
  const certificate = new X509Certificate(cert);
  expect(certificate.verify(createPublicKey(ca))).toBe(true);
  expect(certificate.ca).toBe(false);
  expect(certificate.checkHost('lab.example')).toBe('lab.example');
  expect(certificate.checkIP('::1')).toBe('::1');
  expect(certificate.checkHost('other.example')).toBeUndefined();
  expect(statSync(join(folder, 'server.pem')).mode & 0o777).toBe(0o600);
});

it('the server certificate stays until two thirds of its life have passed, then a new one is told', async () => {
  const clock = new LaterClock();
  const keeper = await server(clock);
  const first = await keeper.start();
  const told: string[] = [];
  keeper.onRenewed(({ cert }) => told.push(cert));
  clock.days = 240;
  expect(await keeper.renewIfNeeded()).toBe(false);
  expect((await (await server(clock)).start()).cert).toBe(first.cert);
  clock.days = 250;
  clock.timers[0]?.();
  await expect.poll(() => told.length).toBe(1);
  expect(told[0]).not.toBe(first.cert);
  expect(new X509Certificate(told[0] ?? '').validToDate.getTime()).toBeGreaterThan(clock.now() + 364 * dayMs);
  expect(keeper.tls().ca).toBe(first.ca);
  await expect.poll(() => clock.timers.length).toBe(3);
});

it('another name, another authority and a clock that went back make a new one', async () => {
  const clock = new LaterClock();
  const first = await (await server(clock, ['*.lab.example', 'my_box'])).start();
  expect((await (await server(clock, ['my_box', '*.lab.example'])).start()).cert).toBe(first.cert);
  const named = await (await server(clock, ['lab.example', 'new.example', '10.1.2.3'])).start();
  expect(named.cert).not.toBe(first.cert);
  clock.days = -10;
  const earlier = await (await server(clock, ['lab.example'])).start();
  expect(earlier.cert).not.toBe(named.cert);
  rmSync(join(folder, 'ca.pem'));
  const other = await (await server(clock, ['lab.example'])).start();
  expect(other.cert).not.toBe(earlier.cert);
});

it('an address that the machine gets later is in a new certificate, without a restart', async () => {
  const names = ['lab.example'];
  const keeper = await server(new LaterClock(), names);
  await keeper.start();
  names.push('10.1.2.3');
  expect(await keeper.renewIfNeeded()).toBe(true);
  expect(new X509Certificate(keeper.tls().cert).checkIP('10.1.2.3')).toBe('10.1.2.3');
  names.pop();
  expect(await keeper.renewIfNeeded()).toBe(false);
});

it('what is damaged says what to do', async () => {
  await (await server(realClock)).start();
  const damage = (file: string) => writeFileSync(join(folder, file), 'x', { mode: 0o600 });
  damage('server.pem');
  await expect(server(realClock)).rejects.toThrow(/server\.pem is damaged .*: remove it, and the host makes/);
  damage('ca.pem');
  await expect(open()).rejects.toThrow(/ca\.pem is damaged .*: put it back from a copy/);
});

it("a node's certificate is for its own key and lasts as long as the authority", async () => {
  const authority = await open();
  const key = createPublicKey(nodeKey(folder));
  const der = key.export({ format: 'der', type: 'spki' });
  const certificate = new X509Certificate(await authority.issueNode('node1', der));
  expect(certificate.subject).toBe('CN=node1');
  expect(certificate.publicKey.equals(key)).toBe(true);
  expect(certificate.validTo).toBe(new X509Certificate(authority.certificate).validTo);
  expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
});
