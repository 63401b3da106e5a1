import { join } from 'node:path';
import { logDirectory, type Node } from '../../pkg/api/index.ts';
import type { Leases } from '../../pkg/apiserver/index.ts';
import { type Clock, type Logger, timestamp } from '../../pkg/base/index.ts';
import { Gateway, loadOrCreateSshKey, NodeLogReader } from '../../pkg/gateway/index.ts';
import type { NodeRegistry } from '../../pkg/identity/index.ts';
import { FileLogReader } from '../../pkg/logs/index.ts';
import type { Store } from '../../pkg/store/index.ts';

/** A runner whose heartbeats come opens its tunnel within moments of a restart on either side. */
const patienceMs = 5_000;

export interface GatewaySeams {
  store: Store;
  registry: NodeRegistry;
  clock: Clock;
  logger: Logger;
}

/** Lets in the nodes of the store, each by the key in its status. Does not listen yet. */
export function createGateway(stateDir: string, { store, registry, clock, logger }: GatewaySeams): Gateway {
  const key = loadOrCreateSshKey(join(stateDir, 'gateway.key'), 'identifies this host to its runners');
  const keyOf = (node: string) => {
    if (registry.isRevoked(node)) return undefined;
    return (store.get('Node', '', node)?.object as Node | undefined)?.status?.sshKey;
  };
  const gateway = new Gateway({ key, keyOf, clock, logger });
  registry.onChange((node) => gateway.recheck(node));
  return gateway;
}

/** `leases` is asked only when something is read: it belongs to the service that is given this reader. */
export function createLogReader(
  gateway: Gateway,
  sharedDir: string | undefined,
  { clock, leases }: { clock: Clock; leases: () => Leases },
): NodeLogReader {
  const silentMs = (node: string) => clock.monotonic() - (leases().lastSeen(node) ?? leases().startedAt);
  return new NodeLogReader({
    gateway,
    shared:
      sharedDir === undefined
        ? undefined
        : new FileLogReader([logDirectory({ sharedDir, stateDir: sharedDir })], clock),
    lastSeen: (node) =>
      leases().lastSeen(node) === undefined ? undefined : timestamp(clock.now() - silentMs(node)),
    patienceMs: (node) => (silentMs(node) < leases().leaseMs ? patienceMs : 0),
  });
}
