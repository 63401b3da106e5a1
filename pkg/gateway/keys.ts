import ssh2, { type ParsedKey } from 'ssh2';
import { loadOrCreateSecret, RiverError } from '../base/index.ts';

export interface SshKey {
  /** In the format of OpenSSH. */
  privateKey: string;
  /** `ssh-ed25519 AAAA…`, without a comment. */
  publicKey: string;
}

/**
 * An Ed25519 key; made at the first start, readable by its owner only. `use`: what whoever has it can do, as in
 * "identifies this host". Raises `Forbidden` when others may read the file, `InternalError` when it is damaged.
 */
export function loadOrCreateSshKey(file: string, use: string): SshKey {
  const secret = loadOrCreateSecret({ file, use, make: () => Buffer.from(makePrivateKey()) });
  const privateKey = Buffer.from(secret).toString('utf8');
  const key = parseSshKey(privateKey);
  if (key?.isPrivateKey() && key.type === 'ssh-ed25519') return { privateKey, publicKey: publicKeyOf(key) };
  throw new RiverError(
    'InternalError',
    `${file} is damaged: remove it, and another key is made at the next start`,
  );
}

/** Undefined for what is no key. */
export function parseSshKey(text: string | Buffer): ParsedKey | undefined {
  const key = ssh2.utils.parseKey(text);
  return key instanceof Error ? undefined : key;
}

function publicKeyOf(key: ParsedKey): string {
  return `${key.type} ${key.getPublicSSH().toString('base64')}`;
}

/** One in about 270 of those that ssh2 1.17 makes can not be read again, or signs what it does not verify. */
function makePrivateKey(): string {
  for (let tries = 0; tries < 100; tries++) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    const privateKey = parseSshKey(pair.private);
    const publicKey = parseSshKey(pair.public);
    if (!privateKey || !publicKey) continue;
    if (publicKey.verify('river', privateKey.sign('river')) === true) return pair.private;
  }
  throw new RiverError('InternalError', 'no Ed25519 key can be made on this machine');
}
