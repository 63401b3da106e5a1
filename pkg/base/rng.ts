import { randomBytes } from 'node:crypto';

/** The only source of randomness; the simulator passes a seeded one. */
export interface Rng {
  /** In [0, 1). */
  next(): number;
  /** An integer in [0, bound). */
  below(bound: number): number;
  bytes(length: number): Uint8Array;
  /** RFC 9562 version 4, lower case. */
  uuid(): string;
}

function fromSource(next: () => number, bytes: (length: number) => Uint8Array): Rng {
  return {
    next,
    below: (bound) => Math.floor(next() * bound),
    bytes,
    uuid() {
      const raw = bytes(16);
      raw[6] = ((raw[6] ?? 0) & 0x0f) | 0x40;
      raw[8] = ((raw[8] ?? 0) & 0x3f) | 0x80;
      const hex = Buffer.from(raw).toString('hex');
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
        '-',
      );
    },
  };
}

/** The operating system's randomness: uids, sessions, tokens. */
export const realRng: Rng = fromSource(
  () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48,
  (length) => randomBytes(length),
);

/** Repeatable for one seed (mulberry32). Never for anything secret. */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return fromSource(next, (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)));
}
