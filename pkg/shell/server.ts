import type { WebSocket } from 'ws';
import { type Clock, errorMessage, type Logger, RiverError } from '../base/index.ts';
import { errorStatus, exitStatus } from './ending.ts';
import { dataFrames, ProtocolError, readFrame, readSize } from './frames.ts';
import { keepAlive } from './keep-alive.ts';
import { Messages, send } from './messages.ts';
import type { ShellProcess, ShellRequest } from './types.ts';

export interface ServeShellParts {
  /** Begins the program. */
  start(): Promise<ShellProcess>;
  /** Which streams the client has asked for. */
  streams: Pick<ShellRequest, 'stdin' | 'stdout' | 'stderr'>;
  clock: Clock;
  logger: Logger;
  /** Aborts when this process ends: then the client is told so. */
  stopping: AbortSignal;
}

/** How a connection ends. */
interface Farewell {
  /** For the channel `error`. */
  status?: Buffer;
  code: number;
  reason?: string;
  /** The program has ended by itself. */
  ended?: boolean;
}

const closeWithinMs = 2_000;
const gone: Farewell = { code: 1000 };

/**
 * Connects a program with a client that has just been let in. Resolves when both have ended: a program whose client
 * has gone is hung up, and a client whose program has ended gets all its output and then its exit code.
 */
export async function serveShell(socket: WebSocket, parts: ServeShellParts): Promise<void> {
  const { clock, logger } = parts;
  socket.on('error', (error) => logger.debug('the connection of a shell failed', { reason: error.message }));
  keepAlive(socket, clock);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const messages = new Messages(socket);
  const stopped = stopOf(parts.stopping);
  const begun = await Promise.race([begin(parts), stopped]);
  if (!('process' in begun)) {
    messages.ignore();
    return bid(socket, begun, clock, stopped);
  }
  const { process } = begun;
  const farewell = await Promise.race([
    copyOutput(process, socket, parts),
    readInput(process, messages, parts),
    // Also while the program takes nothing of what came.
    closed.then(() => gone),
    stopped,
  ]);
  messages.ignore();
  await Promise.all([farewell.ended ? undefined : process.hangUp(), bid(socket, farewell, clock, stopped)]);
}

/** One that begins when nobody waits for it any more is hung up. */
async function begin({
  start,
  stopping,
  logger,
}: ServeShellParts): Promise<{ process: ShellProcess } | Farewell> {
  try {
    const process = await start();
    if (stopping.aborted) await process.hangUp();
    return { process };
  } catch (error) {
    return { ...failure(error, logger), ended: true };
  }
}

async function copyOutput(
  process: ShellProcess,
  socket: WebSocket,
  { streams, logger }: ServeShellParts,
): Promise<Farewell> {
  try {
    for await (const { stream, data } of process.output)
      for (const frame of streams[stream] ? dataFrames(stream, data) : []) await send(socket, frame);
    return { status: exitStatus(await process.exitCode()), code: 1000, ended: true };
  } catch (error) {
    return failure(error, logger);
  }
}

function failure(error: unknown, logger: Logger): Farewell {
  if (!(error instanceof RiverError)) logger.error('a shell failed unexpectedly', { error });
  return { status: errorStatus(error), code: 1000 };
}

/** Until the client has gone, also after the program has ended: its pongs come this way. */
async function readInput(
  process: ShellProcess,
  messages: Messages,
  { streams }: ServeShellParts,
): Promise<Farewell> {
  try {
    for await (const { data, isBinary } of messages) {
      const frame = readFrame(data, isBinary);
      if ('closed' in frame) {
        if (frame.closed === 'stdin') process.endInput();
      } else if (frame.data.length > 0) await take(process, frame, streams.stdin);
    }
    return gone;
  } catch (error) {
    const reason = errorMessage(error);
    return { status: errorStatus(new RiverError('BadRequest', reason)), code: 1002, reason };
  }
}

async function take(
  process: ShellProcess,
  { channel, data }: { channel: string; data: Buffer },
  hasInput: boolean,
): Promise<void> {
  if (channel === 'resize') {
    const size = readSize(data);
    if (size) process.resize(size);
  } else if (channel !== 'stdin')
    throw new ProtocolError(`a client writes nothing on the channel ${channel}`);
  else if (hasInput) await process.write(data);
}

function stopOf(stopping: AbortSignal): Promise<Farewell> {
  const reason = 'the host is shutting down';
  const status = errorStatus(new RiverError('ServiceUnavailable', `${reason}: the shell has ended`));
  return new Promise((resolve) => {
    const stop = () => resolve({ status, code: 1001, reason });
    if (stopping.aborted) stop();
    stopping.addEventListener('abort', stop, { once: true });
  });
}

/** Of a program that has ended, the client may take its time to read what is left, as long as it shows that it is there and the host does not stop. */
async function bid(
  socket: WebSocket,
  { status, code, reason, ended }: Farewell,
  clock: Clock,
  stopped: Promise<unknown>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (socket.readyState === socket.CLOSED) return;
  const sent = status ? sendAll(socket, status) : Promise.resolve();
  if (ended) await Promise.race([closed, sent.then(() => answered(socket)), stopped]);
  const timer = clock.after(closeWithinMs, () => socket.terminate());
  socket.close(code, reason);
  await closed;
  timer.cancel();
}

async function sendAll(socket: WebSocket, status: Buffer): Promise<void> {
  for (const frame of dataFrames('error', status)) await send(socket, frame);
}

/** The answer to a ping that comes behind everything else: all of that was read. */
function answered(socket: WebSocket): Promise<void> {
  const mark = Buffer.from('end');
  return new Promise((resolve) => {
    socket.on('pong', (data) => {
      if (data.equals(mark)) resolve();
    });
    socket.ping(mark);
  });
}
