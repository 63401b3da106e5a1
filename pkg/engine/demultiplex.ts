/** A piece of output; frames come apart wherever the network cuts them. */
export interface Piece {
  /** 1 = stdout, 2 = stderr, as in the engine's frames. */
  stream: number;
  data: Buffer;
}

/**
 * Takes the engine's framing off its log stream: 8 bytes (stream, three zeros, length as 32 bits, big end first),
 * then so many bytes. Raises on what cannot be a frame, so that noise is never written as output.
 */
export class Demultiplexer {
  #header = Buffer.alloc(0);
  #stream = 0;
  #left = 0;

  push(chunk: Buffer): Piece[] {
    const pieces: Piece[] = [];
    let rest = chunk;
    while (rest.length > 0) {
      if (this.#left === 0) {
        rest = this.#readHeader(rest);
        continue;
      }
      const data = rest.subarray(0, this.#left);
      pieces.push({ stream: this.#stream, data });
      this.#left -= data.length;
      rest = rest.subarray(data.length);
    }
    return pieces;
  }

  #readHeader(rest: Buffer): Buffer {
    const missing = 8 - this.#header.length;
    this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
    if (this.#header.length < 8) return rest.subarray(missing);
    const stream = this.#header[0] ?? 0;
    if (stream > 2 || this.#header.readUIntBE(1, 3) !== 0)
      throw new Error('the log stream of the engine is not framed');
    this.#stream = stream;
    this.#left = this.#header.readUInt32BE(4);
    this.#header = Buffer.alloc(0);
    return rest.subarray(missing);
  }
}
