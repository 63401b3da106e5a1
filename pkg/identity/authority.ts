import { X509Certificate } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, RiverError, type Rng } from '../base/index.ts';
import { formatKeyPair, type KeyPair, parseKeyPair } from './pem.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

const dayMs = 24 * 3600 * 1000;
/** Machines whose clocks are behind take a new certificate too. */
const backdatedMs = dayMs;
const authorityMs = 30 * 365 * dayMs;

/** Loads slowly, and is needed only where something is signed: not at every start. */
const issuing = () => import('./issue.ts');

const remedy =
  'put it back from a copy; without it the host is another one, and every person and machine has to be let in anew';

interface Seams {
  clock: Clock;
  rng: Rng;
}

/** The host's own certificate authority. Its key is in `ca.pem` (0600) and leaves it never. */
export class Authority {
  readonly #pair: KeyPair;
  readonly #seams: Seams;
  /** SHA-256 of its certificate, hexadecimal: what join tokens name it by. */
  readonly fingerprint: string;

  constructor(pair: KeyPair, seams: Seams) {
    this.#pair = pair;
    this.#seams = seams;
    this.fingerprint = fingerprintOf(pair.certificate);
  }

  /** PEM; what clients trust, and nothing else. */
  get certificate(): string {
    return this.#pair.certificate;
  }

  /** `lifetimeMs` from now on, under these names. */
  async issueServer(names: readonly string[], lifetimeMs: number): Promise<KeyPair> {
    const { issueServer } = await issuing();
    return issueServer(this.#pair, names, validity(this.#seams, lifetimeMs));
  }

  /** Good as long as the authority: a node's key is shut out by the registry, not by a date. Answers PEM. */
  async issueNode(node: string, publicKey: Uint8Array): Promise<string> {
    const { issueNode } = await issuing();
    const until = new X509Certificate(this.certificate).validToDate.getTime();
    const { from, serial } = validity(this.#seams, 0);
    return issueNode(this.#pair, node, publicKey, { from, until, serial });
  }
}

/** The authority of a state directory; made at the first start. Raises `Forbidden` when others may read its key. */
export async function openAuthority(directory: string, seams: Seams): Promise<Authority> {
  const file = join(directory, 'ca.pem');
  const found = readPrivateFile(file);
  if (found !== undefined) return new Authority(parseKeyPair(found, file, remedy), seams);
  const { issueAuthority } = await issuing();
  const name = `River ${Buffer.from(seams.rng.bytes(4)).toString('hex')}`;
  const pair = await issueAuthority(name, validity(seams, authorityMs));
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writePrivateFile(file, formatKeyPair(pair));
  return new Authority(pair, seams);
}

/** SHA-256 of a certificate (PEM or DER), hexadecimal in lower case. */
export function fingerprintOf(certificate: string | Uint8Array): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Of the authority in a directory, without making one. Raises `NotFound` when the host has never run. */
export function authorityCertificate(directory: string): string {
  const file = join(directory, 'ca.pem');
  const found = readPrivateFile(file);
  if (found === undefined) {
    throw new RiverError('NotFound', `there is no ${file} yet: start river-host once, it makes it`);
  }
  return parseKeyPair(found, file, remedy).certificate;
}

function validity({ clock, rng }: Seams, lifetimeMs: number) {
  const now = clock.now();
  const serial = Buffer.from(rng.bytes(16));
  // Positive, and of full length: 01 to 7f.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x01;
  return { from: now - backdatedMs, until: now + lifetimeMs, serial: serial.toString('hex') };
}
