import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { logPaths } from '../../pkg/api/index.ts';
import { type Clock, type Logger, realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import {
  type ChannelService,
  Gateway,
  type GatewayLimits,
  loadOrCreateSshKey,
  logService,
  logServiceName,
  RunnerTunnel,
  type SshKey,
} from '../../pkg/gateway/index.ts';
import { FileLogReader, type LogRequest } from '../../pkg/logs/index.ts';

export interface Warning {
  message: string;
  fields: Record<string, unknown>;
}

/** A gateway on loopback and the tunnels of any number of nodes, in one process; output in folders of their own. */
export class TunnelWorld {
  readonly folder = mkdtempSync(join(tmpdir(), 'river-tunnel-'));
  /** What the API knows: which key each node has. */
  readonly keys = new Map<string, string>();
  readonly warnings: Warning[] = [];
  readonly services: Record<string, ChannelService> = {};
  readonly #closing: (() => unknown)[] = [];
  readonly #logger: Logger = {
    ...silentLogger,
    warn: (message, fields = {}) => this.warnings.push({ message, fields }),
  };

  key(name: string): SshKey {
    return loadOrCreateSshKey(join(this.folder, `${name}.key`), 'is of a test');
  }

  async gateway(limits: Partial<GatewayLimits> = {}, port = 0): Promise<{ gateway: Gateway; port: number }> {
    const gateway = new Gateway({
      key: this.key('gateway'),
      keyOf: (node) => this.keys.get(node),
      clock: realClock,
      logger: this.#logger,
      limits,
    });
    this.#closing.unshift(() => gateway.close());
    return { gateway, port: await gateway.listen({ host: '127.0.0.1', port }) };
  }

  /** Its runner's end, told where the gateway is. `key`: another one than the API knows. */
  tunnel(
    node: string,
    port: number,
    more: { key?: SshKey; pinned?: string; channels?: number; clock?: Clock; keepaliveMs?: number } = {},
  ): RunnerTunnel {
    const own = this.key(node);
    this.keys.set(node, own.publicKey);
    const tunnel = new RunnerTunnel({
      node,
      key: more.key ?? own,
      host: '127.0.0.1',
      services: { [logServiceName]: logService(this.output(node)), ...this.services },
      clock: more.clock ?? realClock,
      rng: realRng,
      logger: this.#logger,
      channels: more.channels,
      keepaliveMs: more.keepaliveMs,
    });
    this.#closing.unshift(() => tunnel.close());
    tunnel.offered({ port, publicKey: more.pinned ?? this.key('gateway').publicKey });
    return tunnel;
  }

  output(node: string): FileLogReader {
    return new FileLogReader([join(this.folder, node)], realClock);
  }

  /** Path of standard output of a Run on a node; its folder is there. */
  file(node: string, run: string): string {
    const { out } = logPaths(join(this.folder, node), 'default', run);
    mkdirSync(dirname(out), { recursive: true });
    return out;
  }

  async close(): Promise<void> {
    for (const close of this.#closing) await close();
    rmSync(this.folder, { recursive: true });
  }
}

/** A Run as the host sees it; a test moves and ends it. */
export class SeenRun {
  node: string | undefined;
  ended = false;
  readonly #listeners = new Set<() => void>();

  constructor(node?: string) {
    this.node = node;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  change(what: { node?: string | undefined; ended?: boolean }): void {
    Object.assign(this, what);
    for (const listener of [...this.#listeners]) listener();
  }

  request(more: Partial<LogRequest> = {}): LogRequest {
    return {
      namespace: 'default',
      run: 'r',
      stream: 'stdout',
      node: () => this.node,
      mayGrow: () => !this.ended,
      onStateChange: (listener) => {
        this.#listeners.add(listener);
        return { close: () => this.#listeners.delete(listener) };
      },
      ...more,
    };
  }
}

export async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}
