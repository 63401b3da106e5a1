import { afterEach, beforeEach, expect, it } from 'vitest';
import { ApiHost, admin, nodeOf, refused } from '../../../../test/support/api-host.ts';
import { type Environment, environmentHash } from '../../../api/index.ts';
import type { HttpClient } from '../../../client/index.ts';

let host: ApiHost;
let person: HttpClient;
let node: HttpClient;
const spec = { from: { image: 'busybox' }, interactive: true };

beforeEach(async () => {
  host = new ApiHost();
  const url = await host.listen();
  person = host.http(url, admin);
  node = host.http(url, nodeOf('n1'));
  await person.create('Environment', {
    ...{ apiVersion: 'river.dev/v1', kind: 'Environment', metadata: { name: 'py' } },
    spec,
  });
});

afterEach(() => host.close());

const report = (status: Environment['status']) =>
  host
    .local({ role: 'controller', name: 'environment' })
    .patch('Environment', '', 'py', { status }, { subresource: 'status' });
const ready = {
  phase: 'Ready',
  observedGeneration: 1,
  container: { name: 'river-env-py', phase: 'Running', id: 'c1' },
} as const;

it('a commit is written down, with who has asked for it and on what manifest', async () => {
  await report(ready);
  const { status } = await person.commit('py', 'with numpy');
  expect(status?.request).toMatchObject({
    ...{ action: 'commit', by: 'me', message: 'with numpy', manifest: environmentHash(spec) },
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  for (const ask of [() => person.commit('py'), () => person.discard('py')])
    expect(await refused(ask())).toMatchObject({
      code: 'Conflict',
      message: expect.stringContaining('has a commit under way that me asked for'),
    });
});

it('is refused without a working container, while a build goes on or is about to, and for what is no message', async () => {
  const why = async () => (await refused(person.commit('py'))).message;
  expect(await why()).toContain('has no working container yet');
  for (const status of [
    { ...ready, phase: 'Building' as const },
    { ...ready, observedGeneration: 0 },
  ]) {
    await report(status);
    expect(await why()).toContain('is being built: commit when that has ended');
  }
  await report(ready);
  expect(await refused(person.commit('py', 'x'.repeat(1001)))).toMatchObject({ code: 'Invalid' });
  expect((await refused(person.commit('none'))).code).toBe('NotFound');
});

it('is for people, not for machines', async () => {
  await report(ready);
  for (const ask of [() => node.commit('py'), () => node.discard('py')])
    expect((await refused(ask())).code).toBe('Forbidden');
});

it('what was thrown away while it is deleted comes before a commit that will not be', async () => {
  await report(ready);
  await person.commit('py');
  await person.delete('Environment', '', 'py');
  expect((await person.discard('py')).status?.request?.action).toBe('discard');
});
