import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A socket before the one of an engine: passes everything on as it is, and keeps what is asked for. */
export interface RecordingSocket {
  path: string;
  /** Method and path of each request, as in `GET /v1.41/info`. */
  calls: string[];
  close(): Promise<void>;
}

const requestLine = /^(GET|HEAD|POST|PUT|DELETE) (\/\S*) HTTP\/1\.1\r$/gm;

export async function recordingSocket(path: string, engine: string): Promise<RecordingSocket> {
  const calls: string[] = [];
  const open = new Set<Socket>();
  // Who has said all may still listen: so ends the input of an exec.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const upstream = connect({ path: engine, allowHalfOpen: true });
    let rest = '';
    client.on('data', (chunk: Buffer) => {
      const text = rest + chunk.toString('latin1');
      const end = text.lastIndexOf('\n') + 1;
      for (const [, method, url] of text.slice(0, end).matchAll(requestLine)) calls.push(`${method} ${url}`);
      // No request line is longer; the rest is of a body.
      rest = text.slice(end).slice(-4096);
    });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => open.delete(from));
    }
  });
  server.listen(path);
  await once(server, 'listening');
  return {
    path,
    calls,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
