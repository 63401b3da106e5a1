import { loadOrCreateSecret, RiverError, type Rng } from '../../base/index.ts';

const keyBytes = 32;

/**
 * The key that signs tokens; made at the first start. Raises `Forbidden` when others may read the file: whoever has
 * it can make tokens of anybody.
 */
export function loadOrCreateKey(file: string, rng: Rng): Uint8Array {
  const key = loadOrCreateSecret({ file, use: 'signs tokens', make: () => rng.bytes(keyBytes) });
  if (key.length === keyBytes) return key;
  throw new RiverError(
    'InternalError',
    `${file} is damaged (${key.length} bytes, not ${keyBytes}): remove it, and make all tokens anew`,
  );
}
