import type { Kind, ObjectOf } from '../../pkg/api/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import type { Link, SimNetwork } from './network.ts';
import { SimStream } from './stream.ts';
import { chance } from './world.ts';

const label = (method: string, kind: string, name: string | undefined) => `${method} ${kind}/${name ?? ''}`;

/** The whole Client contract over the simulated network. */
export function linkClient(network: SimNetwork, link: Link): Client {
  const call = <T>(text: string, perform: (client: Client) => Promise<T>) =>
    network.call(link, text, perform);
  return {
    get: (kind, namespace, name) =>
      call(label('get', kind, name), (client) => client.get(kind, namespace, name)),
    list: (kind, options) =>
      call(label('list', kind, ''), (client) => client.list(kind, network.copy(options))),
    version: () => call('version', (client) => client.version()),
    logs: () => {
      throw new Error('output is not simulated');
    },
    create: (kind, object, options) => {
      const copy = network.copy(object);
      return call(label('create', kind, object.metadata.name), (client) =>
        client.create(kind, copy, options),
      );
    },
    update: (kind, object, options) => {
      const copy = network.copy(object);
      return call(label('update', kind, object.metadata.name), (client) =>
        client.update(kind, copy, options),
      );
    },
    patch: (kind, namespace, name, patch, options) => {
      const copy = network.copy(patch);
      const text = `${label(`patch${options?.subresource ? '/status' : ''}`, kind, name)} ${JSON.stringify(copy)}`;
      return call(text, (client) => client.patch(kind, namespace, name, copy, options));
    },
    apply: (object, options) => {
      const copy = network.copy(object);
      if (chance(network.rng, network.lieAboutWrites)) return lie(network, link, copy);
      return call(label('apply', object.kind, object.metadata.name), (client) => client.apply(copy, options));
    },
    delete: (kind, namespace, name, options) =>
      call(label('delete', kind, name), (client) => client.delete(kind, namespace, name, options)),
    bind: (namespace, run, binding) =>
      call(`bind ${run}`, (client) => client.bind(namespace, run, network.copy(binding))),
    heartbeat: (node, heartbeat) =>
      call(`heartbeat ${node}`, (client) => client.heartbeat(node, network.copy(heartbeat))),
    watch<K extends Kind>(
      kind: K,
      options: Parameters<Client['watch']>[1],
      handler: Parameters<Client['watch']>[2],
    ) {
      return new SimStream<ObjectOf<K>>(network, link, kind, network.copy(options), handler as never);
    },
  };
}

/** For the self-check only: a write that was never made is acknowledged. */
function lie(
  network: SimNetwork,
  link: Link,
  object: Parameters<Client['apply']>[0],
): ReturnType<Client['apply']> {
  const metadata = { ...object.metadata, uid: network.rng.uuid(), resourceVersion: '1', generation: 1 };
  const result = { object: { ...object, metadata }, outcome: 'created' as const };
  network.onDelivered(link, label('apply', object.kind, object.metadata.name), result);
  return Promise.resolve(result);
}
