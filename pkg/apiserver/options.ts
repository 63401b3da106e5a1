import type { ClusterDefaults } from '../api/index.ts';
import type { Clock, Logger, Rng } from '../base/index.ts';
import type { GatewayAddress } from '../client/index.ts';
import type { LogReader } from '../logs/index.ts';
import type { Store } from '../store/index.ts';
import type { StateSpace } from './vitals.ts';

export interface ApiServiceOptions {
  store: Store;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** Asked at every creation, so that a reloaded configuration counts from the next object on. */
  defaults: () => ClusterDefaults;
  /** Length of a node's lease, milliseconds. */
  leaseMs: number;
  logReader: LogReader;
  /** Told to runners with every heartbeat: where to open their tunnels. Left out: nowhere. */
  gateway?: GatewayAddress;
  /** Room on the volume of the store, from the kernel alone. Left out: nobody looks. */
  space?: () => StateSpace;
  /** Version of the program, as in `0.1.0`. */
  version: string;
}
