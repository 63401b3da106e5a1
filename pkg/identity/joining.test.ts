import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Clock, realClock, realRng, silentLogger } from '../base/index.ts';
import { type Authority, openAuthority } from './authority.ts';
import { createJoinToken, readJoinToken } from './join-token.ts';
import { checkRegistered, Joining, keyOfCertificate } from './joining.ts';
import {
  credentialFile,
  encoded,
  nodeKey,
  proveKey,
  readNodeCredential,
  writeNodeCredential,
} from './node-credential.ts';
import { NodeRegistry } from './node-registry.ts';

const key = new Uint8Array(32).fill(3);
const folder = mkdtempSync(join(tmpdir(), 'river-joining-'));
let authority: Authority;
let now = realClock.now();
const clock: Clock = { ...realClock, now: () => now };
let registry: NodeRegistry;
let joining: Joining;

beforeAll(async () => {
  authority = await openAuthority(folder, { clock: realClock, rng: realRng });
});
afterAll(() => rmSync(folder, { recursive: true }));
beforeEach(() => {
  rmSync(join(folder, 'nodes.json'), { force: true });
  now = realClock.now();
  registry = new NodeRegistry(folder);
  joining = new Joining({ authority, registry, key, clock, rng: realRng, logger: silentLogger });
});

const machine = () =>
  generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
const join1 = (token: string, machineKey: string, node = 'node1') =>
  joining.exchange(node, { token, ...proveKey(machineKey, token) });
const nodeOf = (certificate: string) => {
  const certified = keyOfCertificate(new X509Certificate(certificate));
  checkRegistered(registry, certified);
  return certified.node;
};
const newToken = (options = {}) => joining.createToken('node1', options).token;

it('a token says whom to trust, and is exchanged for a certificate of the own key', async () => {
  const token = newToken();
  expect(readJoinToken(token)).toMatchObject({ node: 'node1', ca: authority.fingerprint });
  const own = machine();
  const { certificate, ca } = await join1(token, own);
  expect(ca).toBe(authority.certificate);
  expect(nodeOf(certificate)).toBe('node1');
  expect(statSync(join(folder, 'nodes.json')).mode & 0o777).toBe(0o600);
  expect(new NodeRegistry(folder).find('node1')?.publicKey).toBe(encoded(createPublicKey(own)));
});

it('a token is good for one machine, which may ask again', async () => {
  const token = newToken();
  const own = machine();
  await join1(token, own);
  await join1(token, own);
  await expect(join1(token, machine())).rejects.toThrow('has been used');
  joining = new Joining({
    authority,
    registry: new NodeRegistry(folder),
    key,
    clock,
    rng: realRng,
    logger: silentLogger,
  });
  await expect(join1(token, machine())).rejects.toMatchObject({ code: 'Unauthorized' });
});

it('of two machines that come with one token at once, one gets in', async () => {
  const token = newToken();
  const results = await Promise.allSettled([join1(token, machine()), join1(token, machine())]);
  expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
});

it('a token ends', async () => {
  const token = newToken({ lifetimeMs: 60_000 });
  now += 60_000;
  await expect(join1(token, machine())).rejects.toThrow('has expired; get one with river token create');
  expect(() => newToken({ lifetimeMs: 0 })).toThrow('at most 30d');
  expect(() => newToken({ lifetimeMs: 31 * 24 * 3600_000 })).toThrow('at most 30d');
});

it('what is no token of this host is refused, whatever it says', async () => {
  const claims = { node: 'node1', ca: authority.fingerprint, exp: now + 1000 };
  const other = createJoinToken(new Uint8Array(32), claims, realRng);
  const good = newToken();
  for (const wrong of [
    other,
    '',
    'river_join_',
    'river_join_a.b',
    `${good}x`,
    `${good}.x`,
    good.slice(0, -3),
  ])
    await expect(join1(wrong, machine()), wrong).rejects.toMatchObject({ code: 'Unauthorized' });
  expect(() => readJoinToken('river_join_e30.x')).toThrow('is not whole');
  expect(() => readJoinToken('nonsense')).toThrow('no join token');
  await expect(join1(good, machine(), 'node2')).rejects.toThrow('is for node node1, not for node2');
  expect(() => joining.createToken('No Node', {})).toThrow('lower case');
});

it('the key that asks must be Ed25519 and prove itself', async () => {
  const token = newToken();
  const [one, two] = [proveKey(machine(), token), proveKey(machine(), token)];
  const mixed = { token, publicKey: one.publicKey, signature: two.signature };
  await expect(joining.exchange('node1', mixed)).rejects.toThrow('not by the key');
  const rsa = encoded(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey);
  await expect(joining.exchange('node1', { ...mixed, publicKey: rsa })).rejects.toThrow('Ed25519');
  await expect(joining.exchange('node1', { ...mixed, publicKey: 'AAAA' })).rejects.toThrow('public key');
  expect(registry.find('node1')).toBeUndefined();
});

it('a taken name needs its key, or a token that may replace it; the old key is out then', async () => {
  const [first, second] = [machine(), machine()];
  const used = newToken();
  const { certificate } = await join1(used, first);
  await expect(join1(newToken(), second)).rejects.toThrow('--node node1 --replace');
  await join1(newToken(), first);
  const taken = await join1(newToken({ replace: true }), second);
  expect(nodeOf(taken.certificate)).toBe('node1');
  expect(() => nodeOf(certificate)).toThrow('not the one of node node1');
  await expect(join1(used, first)).rejects.toThrow('has been used');
});

it('a clock that is ahead ends a token, and is good for it again when it is set right; a used one stays used', async () => {
  const [fresh, used] = [newToken(), newToken()];
  await join1(used, machine());
  now += 7 * 24 * 3600_000;
  await expect(join1(fresh, machine())).rejects.toThrow('has expired');
  // Whoever joins meanwhile clears away what is over.
  await join1(joining.createToken('node2', {}).token, machine(), 'node2');
  now -= 7 * 24 * 3600_000;
  registry.revoke('node1', 'now');
  await expect(join1(used, machine())).rejects.toThrow('has been used');
  await join1(fresh, machine());
});

it('used tokens are remembered for thirty days beyond their end, and no longer', async () => {
  const token = newToken();
  await join1(token, machine());
  const { jti } = readJoinToken(token);
  expect(registry.userOf(jti)).toBeDefined();
  now += 30 * 24 * 3600_000;
  expect(registry.userOf(jti)).toBeDefined();
  now += 2 * 3600_000;
  await join1(joining.createToken('node2', {}).token, machine(), 'node2');
  expect(registry.userOf(jti)).toBeUndefined();
  expect(registry.find('__proto__')).toBeUndefined();
});

it("a machine's key is made once, and its credential is one private file", () => {
  const own = nodeKey(folder);
  expect(nodeKey(folder)).toBe(own);
  expect(readNodeCredential(folder)).toBeUndefined();
  writeNodeCredential(folder, { key: own, certificate: authority.certificate, ca: authority.certificate });
  expect(statSync(credentialFile(folder)).mode & 0o777).toBe(0o600);
  expect(nodeKey(folder)).toBe(own);
  expect(readNodeCredential(folder)).toEqual({
    key: own,
    certificate: authority.certificate,
    ca: authority.certificate,
  });
});
