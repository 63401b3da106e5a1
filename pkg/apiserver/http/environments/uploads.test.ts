import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiHost, admin, nodeOf, refused } from '../../../../test/support/api-host.ts';
import type { HttpClient } from '../../../client/index.ts';

const content = Buffer.from(Array.from({ length: 700_000 }, (_none, index) => index % 251));
const sha256 = createHash('sha256').update(content).digest('hex');

let host: ApiHost;
let url: string;
let client: HttpClient;

beforeEach(async () => {
  host = new ApiHost();
  url = await host.listen();
  client = host.http(url, admin);
});
afterEach(() => host.close());

const folder = () => join(host.folder, 'uploads');
const send = (from: number, to: number, last = false) =>
  client.uploadPart(sha256, from, content.subarray(from, to), last);

describe('an upload', () => {
  it('goes on where it was, is checked, and is there whole and only for the user of the host', async () => {
    expect(await client.uploadState(sha256)).toEqual({ size: 0, complete: false });
    await send(0, 300_000);
    expect(await client.uploadState(sha256)).toEqual({ size: 300_000, complete: false });
    expect(existsSync(host.uploads.file(sha256))).toBe(false);
    expect((await refused(send(400_000, 500_000))).code).toBe('Conflict');
    // Another sender has begun anew with the same.
    await send(0, 100_000);
    expect(await send(300_000, content.length, true)).toEqual({ size: content.length, complete: true });
    expect(readFileSync(host.uploads.file(sha256))).toEqual(content);
    expect(statSync(host.uploads.file(sha256)).mode & 0o777).toBe(0o600);
    expect(await send(0, 10)).toEqual({ size: content.length, complete: true });
  });

  it('of something else leaves nothing', async () => {
    expect((await refused(send(0, 1000, true))).code).toBe('Invalid');
    expect(readdirSync(folder())).toEqual([]);
  });

  it('is for admins, under a hash, and not larger than the host says', async () => {
    const node = host.http(url, nodeOf('n1'));
    expect((await refused(node.uploadPart(sha256, 0, content, true))).code).toBe('Forbidden');
    expect((await refused(client.uploadPart('../x', 0, content, true))).code).toBe('BadRequest');
    const part = Buffer.alloc(9 * 2 ** 20);
    expect((await refused(client.uploadPart(sha256, 0, part, true))).code).toBe('RequestEntityTooLarge');
    expect(existsSync(folder())).toBe(false);
  });

  it('that nothing names goes a day later; asking for it begins the day anew', async () => {
    await send(0, content.length, true);
    const other = sha256.replace(/^./, (first) => (first === '0' ? '1' : '0'));
    await client.uploadPart(other, 0, content, false);
    const age = () => {
      for (const file of readdirSync(folder())) utimesSync(join(folder(), file), 1, 1);
    };
    age();
    await host.uploads.collect(new Set([sha256]));
    expect(readdirSync(folder())).toEqual([sha256]);
    age();
    await client.uploadState(sha256);
    await host.uploads.collect(new Set());
    expect(readdirSync(folder())).toEqual([sha256]);
    age();
    await host.uploads.collect(new Set());
    expect(readdirSync(folder())).toEqual([]);
  });
});
