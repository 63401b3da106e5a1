import { type IncomingMessage, request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errorMessage, RiverError } from '../../base/index.ts';

interface Line {
  stream?: string;
  error?: string;
}

/**
 * Sends a `docker load` file as it comes and answers with the ID of the image. The client library would go on
 * waiting when the source of the bytes fails; here the connection is cut, and the engine throws away what it has.
 */
export async function postArchive(
  socketPath: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<string> {
  const outgoing = request({ socketPath, method: 'POST', path: '/images/load?quiet=1', signal });
  outgoing.setHeader('content-type', 'application/x-tar');
  const answer = answerTo(outgoing);
  // Its failure is told below, if nothing before it fails.
  answer.catch(() => {});
  let sendError: unknown;
  try {
    await pipeline(Readable.from(bytes, { objectMode: false, highWaterMark: 1024 * 1024 }), outgoing);
  } catch (error) {
    sendError = error;
  }
  // An engine that refuses half way answers and closes: its words say more than the broken pipe.
  if (sendError !== undefined && !isCutByEngine(sendError)) throw sendError;
  return loadedId(await answer);
}

function isCutByEngine(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['EPIPE', 'ECONNRESET'].includes(String(error.code));
}

function answerTo(outgoing: ReturnType<typeof request>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject);
    });
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function loadedId({ status, text }: { status: number; text: string }): string {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map(lineOf);
  const failure = lines.find(({ error }) => error !== undefined)?.error;
  if (status !== 200 || failure !== undefined) throw loadFailed(failure ?? text.trim());
  const said = lines.map(({ stream }) => stream ?? '').join('');
  const id = /sha256:[0-9a-f]{64}/.exec(said)?.[0];
  if (id === undefined) throw loadFailed(`it does not say which image it has loaded (${said.trim()})`);
  return id;
}

function lineOf(line: string): Line {
  try {
    return JSON.parse(line) as Line;
  } catch (error) {
    return { error: `${line} (${errorMessage(error)})` };
  }
}

export function loadFailed(why: string): RiverError {
  return new RiverError('ServiceUnavailable', `The Docker Engine could not load the environment: ${why}`, {
    causes: [{ field: 'spec.environment', reason: 'EnvironmentLoadFailed', message: why }],
  });
}
