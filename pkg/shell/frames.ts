import type { TerminalSize } from './types.ts';

/** Name of the protocol, as both sides say it in the handshake. */
export const protocol = 'v5.channel.k8s.io';

/** Bytes; of a message as it comes. kubectl sends at most 32 KiB. */
export const frameLimit = 1024 * 1024;
/** What is longer is sent as several. */
const pieceBytes = 64 * 1024;

const numbers = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
export type Channel = keyof typeof numbers;
const names = Object.keys(numbers) as Channel[];
const closing = 0xff;

/** One message, read. An empty `data` means nothing: Kubernetes says so that a stream is there. */
export type Frame = { channel: Channel; data: Buffer } | { closed: Channel };

/** The other side does not speak the protocol. The message fits the reason of a close frame (123 bytes). */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}

export function readFrame(message: Buffer, isBinary: boolean): Frame {
  if (!isBinary) throw new ProtocolError('messages must be binary, and begin with the number of a channel');
  const [first, second] = message;
  if (first === undefined) throw new ProtocolError('a message without the number of a channel');
  if (first !== closing) return { channel: nameOf(first), data: message.subarray(1) };
  if (second === undefined) throw new ProtocolError('a message that closes a channel without its number');
  return { closed: nameOf(second) };
}

function nameOf(number: number): Channel {
  const name = names[number];
  if (name === undefined) throw new ProtocolError(`there is no channel ${number}`);
  return name;
}

/** One message or several, none for no bytes. */
export function* dataFrames(channel: Channel, data: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < data.length; at += pieceBytes)
    yield Buffer.concat([Buffer.of(numbers[channel]), data.subarray(at, at + pieceBytes)]);
}

export function closeFrame(channel: Channel): Buffer {
  return Buffer.of(closing, numbers[channel]);
}

export function sizeText({ columns, rows }: TerminalSize): Buffer {
  return Buffer.from(JSON.stringify({ Width: columns, Height: rows }));
}

/** Undefined for a terminal that does not know its size. */
export function readSize(data: Buffer): TerminalSize | undefined {
  const { Width: columns, Height: rows } = parsed(data);
  if (!isLength(columns) || !isLength(rows))
    throw new ProtocolError('a size must be {"Width":…,"Height":…} with whole numbers up to 65535');
  return columns === 0 || rows === 0 ? undefined : { columns, rows };
}

function parsed(data: Buffer): { Width?: unknown; Height?: unknown } {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isLength(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 65_535;
}
