import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { realRng } from '../../base/index.ts';
import { loadOrCreateKey } from './key-file.ts';
import { createToken, verifyToken } from './tokens.ts';

const key = new Uint8Array(32).fill(1);

describe('tokens', () => {
  it('say who holds them', () => {
    const token = createToken(key, { role: 'admin', name: 'n1' }, realRng);
    expect(token).toMatch(/^river_[\w-]+\.[\w-]{43}$/);
    expect(verifyToken(key, token, 0)).toEqual({ role: 'admin', name: 'n1' });
    expect(createToken(key, { role: 'admin', name: 'n1' }, realRng)).not.toBe(token);
  });

  it('end when they say so', () => {
    const token = createToken(key, { role: 'admin', name: 'me' }, realRng, 10_000);
    expect(verifyToken(key, token, 9_999).name).toBe('me');
    expect(() => verifyToken(key, token, 10_000)).toThrow(/expired/);
  });

  it('of another key, changed, or nonsense are refused alike', () => {
    const token = createToken(key, { role: 'admin', name: 'n1' }, realRng);
    const admin = Buffer.from('{"role":"admin","name":"root","jti":""}').toString('base64url');
    const forged = `river_${admin}.${token.split('.')[1]}`;
    for (const wrong of [
      forged,
      '',
      'river_',
      'river_.',
      'x.y',
      `${token}x`,
      token.slice(0, -2),
      token.slice(6),
    ]) {
      expect(() => verifyToken(key, wrong, 0), wrong).toThrow(/not one of this host/);
    }
    expect(() => verifyToken(new Uint8Array(32), token, 0)).toThrow(/not one of this host/);
  });
});

describe('the key file', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'river-key-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is made once, for its owner only', () => {
    const file = join(folder, 'token.key');
    const made = loadOrCreateKey(file, realRng);
    expect(made).toHaveLength(32);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(Buffer.from(loadOrCreateKey(file, realRng))).toEqual(Buffer.from(made));
  });

  it('is there whole or not at all, whatever an earlier try has left', () => {
    const file = join(folder, 'token.key');
    writeFileSync(`${file}.${process.pid}`, 'half');
    expect(loadOrCreateKey(file, realRng)).toHaveLength(32);
    expect(readdirSync(folder)).toEqual(['token.key']);
    expect(() => loadOrCreateKey(join(folder, 'missing', 'key'), realRng)).toThrow(/cannot be written/);
  });

  it('is refused when others may read it, or when it is damaged', () => {
    const file = join(folder, 'token.key');
    loadOrCreateKey(file, realRng);
    chmodSync(file, 0o640);
    expect(() => loadOrCreateKey(file, realRng)).toThrow(/chmod 600/);
    chmodSync(file, 0o600);
    writeFileSync(file, 'short');
    expect(() => loadOrCreateKey(file, realRng)).toThrow(/damaged/);
  });
});
