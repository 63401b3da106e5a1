import { createHash } from 'node:crypto';
import { rmSync, truncateSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiHost, admin, authority, nodeOf, refused } from '../../../../test/support/api-host.ts';
import type { HttpClient } from '../../../client/index.ts';

const content = Buffer.from(Array.from({ length: 700_000 }, (_none, index) => index % 251));
const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
const signal = new AbortController().signal;

let host: ApiHost;
let url: string;
let node: HttpClient;

beforeEach(async () => {
  host = new ApiHost();
  writeFileSync(host.environments.tarball('py', digest), content);
  writeFileSync(host.environments.index('py', digest), JSON.stringify({ name: 'py' }));
  url = await host.listen();
  node = host.http(url, nodeOf('n1'));
});

afterEach(() => host.close());

async function bytes(client: HttpClient, offset: number, size: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of client.environmentBytes('py', digest, { offset, size }, signal))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** A request by hand, as an admin. */
function ask(
  headers: Record<string, string>,
  path = `${url}/apis/river.dev/v1/environments/py/${digest}/tarball`,
) {
  const token = host.token({ role: 'admin', name: 'me' });
  const options = { ca: authority.certificate, headers: { authorization: `Bearer ${token}`, ...headers } };
  return new Promise<{ status?: number; headers: Record<string, unknown>; size: number }>(
    (resolve, reject) => {
      get(path, options, (response) => {
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.length;
        });
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, size }));
      }).on('error', reject);
    },
  );
}

describe('the tarball of an environment', () => {
  it('is read by a node in parts, and its index whole', async () => {
    expect(await node.environmentIndex('py', digest)).toEqual({ name: 'py' });
    expect(await bytes(node, 0, content.length)).toEqual(content);
    expect(await bytes(node, 300_001, 17)).toEqual(content.subarray(300_001, 300_018));
    expect(await bytes(node, 5, 0)).toEqual(Buffer.alloc(0));
  });

  it('is read by an admin', async () => {
    expect(await bytes(host.http(url, admin), 1, 2)).toEqual(content.subarray(1, 3));
  });

  it('is sent as RFC 9110 has it', async () => {
    const etag = `"${digest}"`;
    expect(await ask({})).toMatchObject({ status: 200, size: content.length, headers: { etag } });
    expect(await ask({ range: 'bytes=-4' })).toMatchObject({
      status: 206,
      size: 4,
      headers: { 'content-range': `bytes 699996-699999/700000`, 'content-length': '4' },
    });
    expect(await ask({ range: 'bytes=700000-' })).toMatchObject({
      status: 416,
      headers: { 'content-range': 'bytes */700000' },
    });
    expect(await ask({ range: 'bytes=0-3', 'if-range': etag })).toMatchObject({ status: 206, size: 4 });
    expect(await ask({ range: 'bytes=0-3', 'if-range': '"other"' })).toMatchObject({ status: 200 });
  });

  it('is not shown without a credential, and not beyond its folder', async () => {
    expect(await ask({ authorization: 'Bearer wrong' })).toMatchObject({ status: 401 });
    const outside = `${url}/apis/river.dev/v1/environments/..%2f..%2fetc/${digest}/tarball`;
    expect(await ask({}, outside)).toMatchObject({ status: 400 });
    expect(await ask({}, `${url}/apis/river.dev/v1/environments/py/sha256:..%2fx/index`)).toMatchObject({
      status: 400,
    });
  });

  it('that is not there is told, and one that is cut short breaks off', async () => {
    const other = digest.replace(/.$/, (last) => (last === '0' ? '1' : '0'));
    expect((await refused(node.environmentIndex('py', other))).code).toBe('NotFound');
    truncateSync(host.environments.tarball('py', digest), 1000);
    expect(await refused(bytes(node, 500, 1000))).toMatchObject({ transient: true });
    rmSync(host.environments.tarball('py', digest));
    expect((await refused(bytes(node, 0, 1))).code).toBe('NotFound');
  });

  it('is sent to so many at once, and to more when one has gone', async () => {
    // More than any socket buffers, so that a reader that does not read holds the stream open.
    const size = 64 * 1024 * 1024;
    truncateSync(host.environments.tarball('py', digest), size);
    const readers: AsyncIterator<Uint8Array>[] = [];
    const open = async () => {
      const reader = node.environmentBytes('py', digest, { offset: 0, size }, signal)[Symbol.asyncIterator]();
      await reader.next();
      readers.push(reader);
    };
    for (let count = 0; count < 8; count += 1) await open();
    expect((await refused(bytes(node, 0, 1))).code).toBe('TooManyRequests');
    await readers.pop()?.return?.();
    await vi.waitFor(async () => expect(await bytes(node, 0, 1)).toHaveLength(1));
    for (const reader of readers) await reader.return?.();
  });
});
