// Its containers for dependency injection need this to be there first.
import 'reflect-metadata';
import { createPrivateKey, type webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { KeyPair } from './pem.ts';

/** P-256: Node, Go's TLS and browsers take it; of Ed25519 browsers do not. */
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Validity {
  /** Milliseconds since the epoch. */
  from: number;
  until: number;
  /** At most 16 bytes, hexadecimal. */
  serial: string;
}

/** A new authority: it signs certificates of servers and nodes, and no other authorities. */
export async function issueAuthority(name: string, validity: Validity): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...dates(validity),
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { key: await exported(keys.privateKey), certificate: pem(certificate) };
}

/** For a server that is reached under these names and addresses. */
export async function issueServer(
  authority: KeyPair,
  names: readonly string[],
  validity: Validity,
): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await signed(authority, keys.publicKey, 'river-host', validity, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(
      names.map((value) => ({ type: isIP(value) ? ('ip' as const) : ('dns' as const), value })),
    ),
  ]);
  return { key: await exported(keys.privateKey), certificate };
}

/** For the holder of an Ed25519 key. `publicKey`: SPKI in DER. Answers PEM. */
export async function issueNode(
  authority: KeyPair,
  node: string,
  publicKey: Uint8Array,
  validity: Validity,
): Promise<string> {
  const key = await crypto.subtle.importKey('spki', new Uint8Array(publicKey), 'Ed25519', true, ['verify']);
  return signed(authority, key, node, validity, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
  ]);
}

async function signed(
  authority: KeyPair,
  publicKey: webcrypto.CryptoKey,
  name: string,
  validity: Validity,
  extensions: Extension[],
): Promise<string> {
  const issuer = new X509Certificate(authority.certificate);
  const certificate = await X509CertificateGenerator.create({
    ...dates(validity),
    subject: `CN=${name}`,
    issuer: issuer.subject,
    publicKey,
    signingKey: await imported(authority.key),
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      await AuthorityKeyIdentifierExtension.create(issuer),
      ...extensions,
    ],
  });
  return pem(certificate);
}

/** With the end of line that the package leaves out: certificates are written one after the other. */
function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem').trimEnd()}\n`;
}

function dates({ from, until, serial }: Validity) {
  return { notBefore: new Date(from), notAfter: new Date(until), serialNumber: serial };
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
}

async function exported(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString();
}

function imported(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ format: 'der', type: 'pkcs8' });
  return crypto.subtle.importKey('pkcs8', new Uint8Array(der), algorithm, false, ['sign']);
}
