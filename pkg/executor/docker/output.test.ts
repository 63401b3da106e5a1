import { mkdtempSync, readFileSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ManualClock, until } from '../../../test/support/manual-clock.ts';
import { seededRng, silentLogger } from '../../base/index.ts';
import { Outputs } from './output.ts';

/** As the engine sends it: a header of eight bytes, then a piece of standard output. */
function frame(text: string): Buffer {
  const header = Buffer.alloc(8);
  header[0] = 1;
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

let folder: string;
let clock: ManualClock;
let failed: number;
let drained: string[];
let outputs: Outputs;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-output-'));
  clock = new ManualClock();
  failed = 0;
  drained = [];
  const logs = async () => Readable.from([frame('all of '), frame('it\n')]);
  outputs = new Outputs({
    engine: { getContainer: () => ({ logs }) } as unknown as Docker,
    ...{ clock, rng: seededRng(1), logger: silentLogger },
    count: () => {
      failed += 1;
    },
    onDrained: (uid) => drained.push(uid),
  });
});

afterEach(async () => {
  await outputs.close();
  rmSync(folder, { recursive: true });
});

const outPath = () => join(folder, 'a.out');

/** A container has ended, and its output goes to a volume that is full. */
function endOnFullVolume(): void {
  symlinkSync('/dev/full', outPath());
  outputs.follow({ runUid: 'a', id: 'container', outPath: outPath(), errPath: join(folder, 'a.err') });
  outputs.finish('a');
}

/** Ten seconds pass after each failure, and no time while something is under way. */
async function pass(isOver: () => boolean): Promise<void> {
  let seen = 0;
  await until(() => {
    if (failed > seen && clock.timers > 0) {
      seen = failed;
      clock.advance(10_000);
    }
    return isOver() || drained.length > 0;
  });
}

describe('a volume without room', () => {
  test('is waited for, and then all of the output is there', async () => {
    endOnFullVolume();
    await pass(() => failed === 30);
    expect(drained).toEqual([]);
    unlinkSync(outPath());
    await pass(() => false);
    expect(readFileSync(outPath(), 'utf8')).toBe('all of it\n');
    expect(outputs.lost('a')).toBeUndefined();
  });

  test('is not waited for without end: the run says what is missing', async () => {
    endOnFullVolume();
    await pass(() => false);
    expect(failed).toBeGreaterThan(60);
    expect(drained).toEqual(['a']);
    expect(outputs.lost('a')).toContain('ENOSPC');
  });

  test('holds up nobody who lets go', async () => {
    endOnFullVolume();
    await pass(() => failed === 3);
    await outputs.close();
    expect(drained).toEqual([]);
  });
});
