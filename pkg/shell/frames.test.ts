import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RiverError } from '../base/index.ts';
import { errorStatus, exitStatus, readEnding } from './ending.ts';
import { closeFrame, dataFrames, ProtocolError, readFrame, readSize, sizeText } from './frames.ts';

const problem = (bytes: number[] | string) => {
  try {
    readFrame(Buffer.from(bytes as string), typeof bytes !== 'string');
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError);
    return (error as Error).message;
  }
};

describe('frames', () => {
  it('are the channel and the bytes, and long ones are several', () => {
    expect([...dataFrames('stdin', Buffer.from('hi'))]).toEqual([Buffer.from('\x00hi')]);
    expect([...dataFrames('stdout', Buffer.alloc(0))]).toEqual([]);
    expect([...dataFrames('stderr', Buffer.alloc(130_000))].map(({ length }) => length)).toEqual([
      65_537, 64_465,
    ]);
    expect(closeFrame('stdin')).toEqual(Buffer.of(0xff, 0));
  });

  it('carry any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200_000 }), (data) => {
        const read = [...dataFrames('stdout', data)].map((frame) => readFrame(frame, true));
        const parts = read.map((frame) => ('data' in frame ? frame.data : Buffer.from('closed')));
        expect(Buffer.concat(parts).equals(data)).toBe(true);
        expect(read.every((frame) => 'channel' in frame && frame.channel === 'stdout')).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('that kubectl sends are read', () => {
    expect(readFrame(Buffer.of(0xff, 0), true)).toEqual({ closed: 'stdin' });
    expect(readFrame(Buffer.of(1), true)).toEqual({ channel: 'stdout', data: Buffer.alloc(0) });
    expect(readFrame(Buffer.from('\x04{"Width":80,"Height":24}'), true)).toMatchObject({ channel: 'resize' });
  });

  it('that are none are refused with what is wrong', () => {
    expect(problem('0hi')).toContain('binary');
    expect(problem([])).toContain('without the number');
    expect(problem([5, 1])).toBe('there is no channel 5');
    expect(problem([254])).toBe('there is no channel 254');
    expect(problem([255])).toContain('closes a channel without its number');
    expect(problem([255, 9])).toBe('there is no channel 9');
  });
});

describe('sizes', () => {
  it('come back', () => {
    expect(readSize(sizeText({ columns: 132, rows: 50 }))).toEqual({ columns: 132, rows: 50 });
    expect(readSize(Buffer.from('{"Width":0,"Height":0}'))).toBeUndefined();
  });

  it('that are none are refused', () => {
    for (const text of ['', '{', 'null', '[]', '{}', '{"Width":80}', '{"Width":-1,"Height":2}'])
      expect(() => readSize(Buffer.from(text)), text).toThrow(ProtocolError);
    for (const width of ['1.5', '"80"', '65536', '1e99', 'null'])
      expect(() => readSize(Buffer.from(`{"Width":${width},"Height":24}`)), width).toThrow(ProtocolError);
  });
});

describe('endings', () => {
  it('say the exit code', () => {
    for (const code of [0, 1, 7, 137, 255]) expect(readEnding(exitStatus(code))).toBe(code);
  });

  it('say why the program was not run to its end', () => {
    const error = new RiverError('Conflict', 'it is suspended', { kind: 'environments', name: 'a' });
    expect(() => readEnding(errorStatus(error))).toThrow(
      expect.objectContaining({ code: 'Conflict', message: 'it is suspended' }),
    );
  });

  it('that say nothing are errors', () => {
    const causes = (message: string) =>
      `{"kind":"Status","reason":"NonZeroExitCode","details":{"causes":[null,{"reason":"ExitCode","message":"${message}"}]}}`;
    for (const text of ['', 'null', '"Success"', '{"status":"Failure"}', causes('x'), causes('-1')])
      expect(() => readEnding(Buffer.from(text)), text).toThrow(RiverError);
    expect(readEnding(Buffer.from(causes('3')))).toBe(3);
  });
});
