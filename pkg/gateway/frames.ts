import type { Readable } from 'node:stream';
import type { RiverError } from '../base/index.ts';
import { lineLimit, type WireError } from './protocol.ts';

/**
 * After the two first lines the runner sends frames: a byte with the type, four with the length, the content. A channel
 * that just stops has lost its connection; one that is complete says so.
 */
export const frameTypes = { data: 0, end: 1, error: 2 } as const;

const headBytes = 5;

export function encodeFrame(type: number, content: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(headBytes + content.length);
  frame.writeUInt8(type, 0);
  frame.writeUInt32BE(content.length, 1);
  frame.set(content, headBytes);
  return frame;
}

/** Takes bytes off a stream: a line, so many, or as many as there are. Holds one chunk of it and no more. */
export class ByteReader {
  readonly #stream: Readable;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(stream: Readable) {
    this.#stream = stream;
    // A channel of ssh2 is not destroyed as other streams are; who reads it closes it.
    this.#chunks = stream.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  }

  /** Reads no more. What still comes is thrown away: only when all is read has the stream ended. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
    this.#stream.resume();
  }

  /** Up to `limit` bytes; undefined at the end of the stream. */
  async some(limit: number): Promise<Buffer | undefined> {
    if (this.#rest.length === 0 && !(await this.#more())) return undefined;
    const taken = this.#rest.subarray(0, limit);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  async exactly(count: number): Promise<Buffer | undefined> {
    const parts: Buffer[] = [];
    for (let missing = count; missing > 0; ) {
      const part = await this.some(missing);
      if (!part) return undefined;
      missing -= part.length;
      parts.push(part);
    }
    return Buffer.concat(parts);
  }

  /** Without its newline. Undefined when the stream ends before, or when the line is longer than it may be. */
  async line(): Promise<Buffer | undefined> {
    let line: Buffer = Buffer.alloc(0);
    for (;;) {
      const part = await this.some(lineLimit);
      if (!part) return undefined;
      const end = part.indexOf(0x0a);
      line = Buffer.concat([line, end < 0 ? part : part.subarray(0, end)]);
      if (line.length > lineLimit) return undefined;
      if (end < 0) continue;
      this.#rest = Buffer.concat([part.subarray(end + 1), this.#rest]);
      return line;
    }
  }

  async #more(): Promise<boolean> {
    const { value, done } = await this.#chunks.next();
    if (done) return false;
    this.#rest = value;
    return true;
  }
}

export interface FrameEnds {
  /** What to raise when the stream stops before its end. */
  broken: () => RiverError;
  failed: (error: WireError) => RiverError;
}

/** The content of the data frames, in pieces as they come. Raises what an error frame says, and `broken`. */
export async function* readFrames(bytes: ByteReader, { broken, failed }: FrameEnds): AsyncGenerator<Buffer> {
  for (;;) {
    const head = await bytes.exactly(headBytes);
    if (!head) throw broken();
    const type = head.readUInt8(0);
    const length = head.readUInt32BE(1);
    if (type === frameTypes.end) return;
    if (type === frameTypes.data) yield* dataOf(bytes, length, broken);
    else throw failed(await errorOf(bytes, type, length));
  }
}

async function* dataOf(bytes: ByteReader, length: number, broken: () => RiverError): AsyncGenerator<Buffer> {
  for (let missing = length; missing > 0; ) {
    const piece = await bytes.some(missing);
    if (!piece) throw broken();
    missing -= piece.length;
    yield piece;
  }
}

async function errorOf(bytes: ByteReader, type: number, length: number): Promise<WireError> {
  const content = type === frameTypes.error && length <= lineLimit ? await bytes.exactly(length) : undefined;
  try {
    return JSON.parse(content?.toString('utf8') ?? '') as WireError;
  } catch {
    return { code: 'InternalError', message: 'it sent what is no frame' };
  }
}
