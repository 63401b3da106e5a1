import { createControlLoops } from '../../cmd/host/control-loops.ts';
import type { Identity } from '../../pkg/api/index.ts';
import { ApiService, LocalClient } from '../../pkg/apiserver/index.ts';
import type { Clock, Logger, Rng } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import { CompactionLoop, type Store } from '../../pkg/store/index.ts';
import { FakeBuilder } from '../support/fake-builder.ts';
import { FakeContainers } from '../support/fake-containers.ts';

export interface HostParts {
  clock: Clock;
  rng: Rng;
  logger: Logger;
  store: Store;
  version: string;
}

const leaseMs = 30_000;

/** The host without its doors: the loops of `cmd/host`, on an API that is called in place of served. */
export function wireHost({ clock, rng, logger, store, version }: HostParts): (identity: Identity) => Client {
  const service = new ApiService({
    store: rng.below(3) === 0 ? slowLists(store, clock, rng) : store,
    clock,
    rng,
    logger,
    defaults: () => ({ runtime: 'process' as const, privileged: false, mounts: [] }),
    leaseMs,
    logReader: {
      open: () => {
        throw new Error('output is not simulated');
      },
    },
    version,
  });
  // So few versions are kept that compaction is at work while things go wrong.
  const keep =
    rng.below(2) === 0
      ? { keepMs: 60_000, keepVersions: 50, intervalMs: 20_000 }
      : { keepMs: 500, keepVersions: 1, intervalMs: 700 };
  new CompactionLoop({ store, clock, logger, ...keep }).start();
  void createControlLoops(
    service,
    { builder: new FakeBuilder(), containers: new FakeContainers() },
    {
      clock,
      rng,
      logger,
      placementPolicy: 'leastLoaded',
    },
  ).start();
  return (identity) => new LocalClient(service, identity);
}

/** A busy host: it takes a while until the caches are complete. What a list shows is as new as its end. */
function slowLists(store: Store, clock: Clock, rng: Rng): Store {
  const list: Store['list'] = async (kind, options) => {
    if (options?.continueFrom === undefined)
      await new Promise<void>((resolve) => clock.after(rng.below(4_000), resolve));
    return store.list(kind, options);
  };
  return new Proxy(store, {
    get(target, key) {
      if (key === 'list') return list;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
