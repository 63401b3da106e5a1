import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** What answers as an engine does that makes and starts every container, and keeps what it was asked to make. */
export class RecordingEngine {
  readonly socketPath: string;
  /** The body of each request to make a container, in order. */
  readonly created: { Env: string[]; HostConfig: Record<string, unknown> }[] = [];
  /** Added to what it says of itself. */
  info: Record<string, unknown> = {};
  readonly #server: Server;

  constructor(folder: string) {
    this.socketPath = join(folder, 'engine.sock');
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  async open(): Promise<void> {
    await once(this.#server.listen(this.socketPath), 'listening');
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const say = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    const path = new URL(request.url ?? '', 'http://engine').pathname;
    if (path === '/info') return say(200, { ServerVersion: '28.3.0', CgroupVersion: '2', ...this.info });
    if (path === '/containers/create') {
      this.created.push(JSON.parse(await text(request)));
      return say(201, { Id: `container-${this.created.length}`, Warnings: [] });
    }
    if (path.endsWith('/start')) return void response.writeHead(204).end();
    // Nothing ever happens here.
    if (path === '/events' || path.endsWith('/logs')) return void response.writeHead(200).flushHeaders();
    return say(404, { message: `No such thing: ${path}` });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
