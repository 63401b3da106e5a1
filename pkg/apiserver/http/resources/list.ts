import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { apiVersion, type Kind } from '../../../api/index.ts';
import type { RowPage } from '../../reads.ts';

/**
 * Answers a list from stored text, without parsing it. One page goes out whole; more are streamed page by page, so
 * that neither memory nor other requests feel a long list. What is wrong with the request shows at the first page.
 */
export async function sendList(
  reply: FastifyReply,
  kind: Kind,
  pages: AsyncGenerator<RowPage>,
  limit: number | undefined,
) {
  const first = (await pages.next()).value as RowPage;
  reply.type('application/json');
  if (first.next === undefined || first.rows.length === limit)
    return reply.send(head(kind) + rowsOf(first) + tail(first));
  return reply.send(
    Readable.from(textOf(kind, first, pages), { objectMode: false, highWaterMark: 256 * 1024 }),
  );
}

async function* textOf(kind: Kind, first: RowPage, rest: AsyncGenerator<RowPage>): AsyncGenerator<string> {
  yield head(kind) + rowsOf(first);
  let last = first;
  for await (const page of rest) {
    last = page;
    if (page.rows.length > 0) yield `,${rowsOf(page)}`;
  }
  yield tail(last);
}

function head(kind: Kind): string {
  return `{"kind":"${kind}List","apiVersion":"${apiVersion}","items":[`;
}

function rowsOf(page: RowPage): string {
  return page.rows.map((row) => row.json).join(',');
}

function tail({ version, next, remaining }: RowPage): string {
  const metadata = {
    resourceVersion: String(version),
    ...(next === undefined ? {} : { continue: next, remainingItemCount: remaining }),
  };
  return `],"metadata":${JSON.stringify(metadata)}}`;
}
