import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { RiverError } from '../base/index.ts';
import { formatKeyPair, type KeyPair, parseKeyPair, pemBlocks } from './pem.ts';
import { readPrivateFile, writePrivateFile } from './private-file.ts';

/** Who a machine is, and whom it trusts. All PEM. */
export interface NodeCredential extends KeyPair {
  /** Certificate of the host's authority. */
  ca: string;
}

/** `node.pem` of a runner's state directory: key, certificate, authority. */
export function credentialFile(stateDir: string): string {
  return join(stateDir, 'identity', 'node.pem');
}

/** The credential of this machine; undefined before it has joined. Raises `Forbidden` when others may read it. */
export function readNodeCredential(stateDir: string): NodeCredential | undefined {
  const file = credentialFile(stateDir);
  const text = readPrivateFile(file);
  if (text === undefined) return undefined;
  const [, ca] = pemBlocks(text, 'CERTIFICATE');
  if (ca === undefined) return undefined;
  return {
    ...parseKeyPair(text, file, 'remove it, and join this machine again with a token of --replace'),
    ca,
  };
}

export function writeNodeCredential(stateDir: string, credential: NodeCredential): void {
  writePrivateFile(credentialFile(stateDir), formatKeyPair(credential) + credential.ca);
}

/**
 * The machine's own Ed25519 key: made once, kept before it is shown to anybody, so that a join whose answer was lost
 * can be tried again with it. PEM.
 */
export function nodeKey(stateDir: string): string {
  const file = credentialFile(stateDir);
  const [found] = pemBlocks(readPrivateFile(file) ?? '', 'PRIVATE KEY');
  if (found) return found;
  const key = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writePrivateFile(file, key);
  return key;
}

/** What a machine shows to get its certificate: its key, and that it has the private half. Both base64. */
export interface KeyProof {
  /** SPKI in DER. */
  publicKey: string;
  signature: string;
}

export function proveKey(key: string, token: string): KeyProof {
  const privateKey = createPrivateKey(key);
  return {
    publicKey: encoded(createPublicKey(privateKey)),
    signature: sign(null, message(token), privateKey).toString('base64'),
  };
}

/** Raises `BadRequest` for a key that is not Ed25519, `Unauthorized` when the signature is not by it. Answers the key in its one encoding. */
export function checkKeyProof({ publicKey, signature }: KeyProof, token: string): string {
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
  } catch {
    throw new RiverError('BadRequest', 'publicKey must be a public key: SPKI in DER, base64');
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new RiverError('BadRequest', 'publicKey must be an Ed25519 key');
  if (!verify(null, message(token), key, Buffer.from(signature, 'base64')))
    throw new RiverError('Unauthorized', 'the signature is not by the key that asks');
  return encoded(key);
}

export function encoded(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64');
}

function message(token: string): Buffer {
  return Buffer.from(`river-join-v1:${token}`);
}
