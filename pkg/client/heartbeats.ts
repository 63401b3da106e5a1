import type { NodeStatus } from '../api/index.ts';

export interface Heartbeat {
  session: string;
  usage?: NodeStatus['usage'];
  /** How often each has happened since the runner's process started, by names in lower case with underscores. */
  counters?: Readonly<Record<string, number>>;
}

export interface HeartbeatAnswer {
  /** Length of the lease, milliseconds: the runner beats at a third of it. */
  leaseMs: number;
  /** Epoch of the store; another one than before means that the host was restored from a backup. */
  epoch: string;
  clusterUid: string;
  /** RFC 3339: what the host's clock shows. Left out by an older host. */
  time?: string;
  /** Of the program that the host is, as in `0.1.0`; left out by the first ones. */
  version?: string;
  /** Whether Node's condition Ready is True: if not, the runner writes its status again. */
  ready: boolean;
  /** Where the runner opens its tunnel; left out by a host that takes none. */
  gateway?: GatewayAddress;
  /** The environments as they are now: a node knows no others than these and those of its Runs. */
  environments?: CurrentEnvironment[];
}

export interface CurrentEnvironment {
  name: string;
  digest: string;
  /** Nodes load it before anything needs it. */
  prefetch: boolean;
}

/** The host's end of the tunnels, on the machine that serves the API. */
export interface GatewayAddress {
  port: number;
  /** `ssh-ed25519 AAAA…`: the only key that the host shows there. */
  publicKey: string;
}
