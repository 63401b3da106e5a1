const newline = 0x0a;
/** A line longer than this is written in parts, so that output without newlines does not fill the memory. */
const longestHeld = 65_536;

/**
 * Puts a prefix before every line of a byte stream, whole lines at a time, so that several streams may share one
 * output. Bytes are not decoded: output need not be UTF-8.
 */
export class LinePrefixer {
  private readonly prefix: Buffer;
  private rest: Buffer = Buffer.alloc(0);
  /** Part of the line is out already, with its prefix. */
  private insideLine = false;

  constructor(prefix: string) {
    this.prefix = Buffer.from(prefix);
  }

  /** The lines that this chunk completes. */
  push(chunk: Uint8Array): Buffer {
    const text = Buffer.concat([this.rest, chunk]);
    const parts: Buffer[] = [];
    let start = 0;
    for (let end = text.indexOf(newline); end >= 0; end = text.indexOf(newline, start)) {
      parts.push(...this.lineStart(), text.subarray(start, end + 1));
      this.insideLine = false;
      start = end + 1;
    }
    this.rest = Buffer.from(text.subarray(start));
    if (this.rest.length > longestHeld) parts.push(this.takeRest());
    return Buffer.concat(parts);
  }

  /** What no newline has ended, with one. */
  end(): Buffer {
    const open = this.insideLine || this.rest.length > 0;
    const last = open ? Buffer.concat([this.takeRest(), Buffer.from('\n')]) : Buffer.alloc(0);
    this.insideLine = false;
    return last;
  }

  private takeRest(): Buffer {
    const part = this.rest.length > 0 ? Buffer.concat([...this.lineStart(), this.rest]) : this.rest;
    this.insideLine ||= this.rest.length > 0;
    this.rest = Buffer.alloc(0);
    return part;
  }

  private lineStart(): Buffer[] {
    return this.insideLine ? [] : [this.prefix];
  }
}
