import { RiverError } from '../base/index.ts';

/** A private key and what belongs to it, in one file, so that one rename replaces both. */
export interface KeyPair {
  /** PKCS #8, PEM. */
  key: string;
  /** PEM. */
  certificate: string;
}

const block = (type: string) => new RegExp(`-----BEGIN ${type}-----[^-]+-----END ${type}-----\n?`, 'g');

/** All blocks of a type in a PEM text, in their order. */
export function pemBlocks(text: string, type: 'CERTIFICATE' | 'PRIVATE KEY'): string[] {
  return (text.match(block(type)) ?? []).map((found) => `${found.trimEnd()}\n`);
}

/** Raises `InternalError` when the file has no key or no certificate. `remedy`: what to do then. */
export function parseKeyPair(text: string, file: string, remedy: string): KeyPair {
  const [key] = pemBlocks(text, 'PRIVATE KEY');
  const [certificate] = pemBlocks(text, 'CERTIFICATE');
  if (key && certificate) return { key, certificate };
  throw new RiverError(
    'InternalError',
    `${file} is damaged (it needs a private key and a certificate): ${remedy}`,
  );
}

export function formatKeyPair({ key, certificate }: KeyPair): string {
  return `${key.trimEnd()}\n${certificate.trimEnd()}\n`;
}
