import { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { type Clock, errorMessage, type Logger, type Timer } from '../base/index.ts';
import type { Authority } from './authority.ts';
import { formatKeyPair, type KeyPair, parseKeyPair } from './pem.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const lifetimeMs = 365 * 24 * 3600 * 1000;
/** Renewed when so much of its life is left: months in which somebody may see that it does not work. */
const renewMs = lifetimeMs / 3;
const checkMs = 3600 * 1000;

/** What a TLS server needs. All PEM. */
export interface ServerTls {
  key: string;
  /** The server's certificate, then the authority's: a machine that joins compares that with its token. */
  cert: string;
  /** Signs what nodes show. */
  ca: string;
}

export interface ServerCertificateParts {
  /** Keeps `server.pem`. */
  directory: string;
  authority: Authority;
  /** Asked anew at every look: addresses of a machine come and go. */
  names: () => readonly string[];
  clock: Clock;
  logger: Logger;
}

/** The certificate of the host's servers: kept in `server.pem`, renewed before it ends and when its names change. */
export class ServerCertificate {
  readonly #parts: ServerCertificateParts;
  readonly #file: string;
  readonly #watchers: ((tls: ServerTls) => void)[] = [];
  #pair: KeyPair | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(parts: ServerCertificateParts) {
    this.#parts = parts;
    this.#file = join(parts.directory, 'server.pem');
    const found = readPrivateFile(this.#file);
    this.#pair =
      found === undefined
        ? undefined
        : parseKeyPair(found, this.#file, 'remove it, and the host makes a new one');
  }

  /** Looks at once, and every hour from then on. Raises what goes wrong the first time. */
  async start(): Promise<ServerTls> {
    await this.renewIfNeeded();
    this.#schedule();
    return this.tls();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Raises when nothing was issued yet. */
  tls(): ServerTls {
    if (!this.#pair) throw new Error('no certificate before start');
    const ca = this.#parts.authority.certificate;
    return { key: this.#pair.key, cert: this.#pair.certificate + ca, ca };
  }

  /** `watcher` is called with every new certificate; connections that exist keep the one they began with. */
  onRenewed(watcher: (tls: ServerTls) => void): void {
    this.#watchers.push(watcher);
  }

  /** Answers whether there is a new one. */
  async renewIfNeeded(): Promise<boolean> {
    const { authority, logger } = this.#parts;
    const names = this.#parts.names();
    const reason = this.#whyNew(names);
    if (reason === undefined) return false;
    this.#pair = await authority.issueServer(names, lifetimeMs);
    writePrivateFile(this.#file, formatKeyPair(this.#pair));
    logger.info('the host has a new certificate', { reason, names });
    for (const watcher of this.#watchers) watcher(this.tls());
    return true;
  }

  #schedule(): void {
    const check = async () => {
      try {
        await this.renewIfNeeded();
      } catch (error) {
        this.#parts.logger.error('the certificate of the host cannot be renewed', {
          error: errorMessage(error),
        });
      }
      if (!this.#stopped) this.#schedule();
    };
    this.#timer = this.#parts.clock.after(checkMs, () => void check(), { unref: true });
  }

  #whyNew(names: readonly string[]): string | undefined {
    if (!this.#pair) return 'there is none';
    const { authority, clock } = this.#parts;
    const certificate = new X509Certificate(this.#pair.certificate);
    const now = clock.now();
    if (!certificate.checkIssued(new X509Certificate(authority.certificate))) return 'another authority';
    if (certificate.validFromDate.getTime() > now) return 'not valid yet';
    if (certificate.validToDate.getTime() - now < renewMs) return 'it ends soon';
    // Names literally: asked with checkHost, a wildcard would not find itself.
    const named = certificate.subjectAltName?.split(', ') ?? [];
    const missing = names.some((name) =>
      isIP(name) ? !certificate.checkIP(name) : !named.includes(`DNS:${name}`),
    );
    return missing ? 'its names have changed' : undefined;
  }
}
