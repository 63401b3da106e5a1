import { expect, test } from 'vitest';
import { Demultiplexer } from './demultiplex.ts';

function frame(stream: number, text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test('streams come apart, wherever the bytes are cut', () => {
  const bytes = Buffer.concat([frame(1, 'one\n'), frame(2, 'err\n'), frame(1, ''), frame(1, 'two\n')]);
  for (let size = 1; size <= bytes.length; size++) {
    const frames = new Demultiplexer();
    const text = { 1: '', 2: '' };
    for (let at = 0; at < bytes.length; at += size) {
      for (const piece of frames.push(bytes.subarray(at, at + size)))
        text[piece.stream as 1 | 2] += piece.data.toString();
    }
    expect(text).toEqual({ 1: 'one\ntwo\n', 2: 'err\n' });
  }
});

test('what is not framed is refused', () => {
  expect(() => new Demultiplexer().push(Buffer.from('plain text'))).toThrow('not framed');
});
