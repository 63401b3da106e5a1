import { afterEach, beforeEach, expect, it } from 'vitest';
import { ApiHost, admin, nodeController, nodeOf, refused } from '../../test/support/api-host.ts';
import { apiVersion, type Node } from '../api/index.ts';

const first = `ssh-ed25519 ${'A'.repeat(68)}`;
const second = `ssh-ed25519 ${'B'.repeat(68)}`;
const gateway = { port: 8002, publicKey: first };

let host: ApiHost;
beforeEach(async () => {
  host = new ApiHost({ gateway });
  await host.service.create(nodeOf('n1'), 'Node', { apiVersion, kind: 'Node', metadata: { name: 'n1' } });
  await write({ session: 's1', sshKey: first });
});
afterEach(() => host.close());

function write(status: Node['status'], identity = nodeOf('n1')) {
  return host.service.patchStatus(identity, 'Node', '', 'n1', { status });
}

const key = () => (host.service.get(admin, 'Node', '', 'n1').object as Node).status?.sshKey;

it('is written by the runner of the node alone', async () => {
  for (const other of [nodeOf('n2'), nodeController, admin])
    expect((await refused(write({ session: 's2', sshKey: second }, other))).code).toBe('Forbidden');
  await write({ conditions: [] }, nodeController);
  expect(key()).toBe(first);
});

it('stays for as long as the session does', async () => {
  expect((await refused(write({ sshKey: second }))).code).toBe('Conflict');
  expect((await refused(write({ session: 's1', sshKey: second }))).code).toBe('Conflict');
  expect(host.service.metrics.refusals.conflict).toBe(2);
  await write({ session: 's2', sshKey: second });
  expect(key()).toBe(second);
  await write({ session: 's3' });
  expect(key()).toBe(second);
});

it('is an Ed25519 key and nothing else', async () => {
  for (const bad of [
    '',
    'ssh-rsa AAAA',
    `${first} me`,
    `${first}\n${second}`,
    `ssh-ed25519 ${'A'.repeat(300)}`,
  ])
    expect((await refused(write({ session: 's2', sshKey: bad }))).code, bad).toBe('Invalid');
});

it('runners are told with every heartbeat where the gateway is', async () => {
  expect(await host.service.heartbeat(nodeOf('n1'), 'n1', { session: 's1' })).toMatchObject({ gateway });
});

it('runners are told with every heartbeat which environments there are', async () => {
  const environment = (name: string, prefetch?: boolean) => ({
    ...{ apiVersion, kind: 'Environment' as const, metadata: { name } },
    spec: { from: { image: 'x' }, ...(prefetch === undefined ? {} : { prefetch }) },
  });
  const controller = { role: 'controller', name: 'environment' } as const;
  const digest = `sha256:${'a'.repeat(64)}`;
  for (const each of [environment('py', true), environment('r'), environment('unbuilt', true)])
    await host.service.create(admin, 'Environment', each);
  for (const name of ['py', 'r'])
    await host.service.patchStatus(controller, 'Environment', '', name, { status: { digest } });
  expect((await host.service.heartbeat(nodeOf('n1'), 'n1', { session: 's1' })).environments).toEqual([
    { name: 'py', digest, prefetch: true },
    { name: 'r', digest, prefetch: false },
  ]);
});
