import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { silentLogger } from '../../base/index.ts';
import { Absences } from './absences.ts';

const folder = mkdtempSync(join(tmpdir(), 'river-absences-'));
afterAll(() => rmSync(folder, { recursive: true }));

const clock = new ManualClock();
const open = (name: string) => new Absences(join(folder, 'docker', name), { clock, logger: silentLogger });

test('every absence counts, also for the next runner, and one that lasts on', () => {
  const absences = open('a');
  const times: number[] = [];
  for (let round = 0; round < 2; round++) {
    absences.begin();
    clock.advance(10_000);
    times.push(clock.now());
    absences.begin();
    clock.advance(10_000);
    absences.end();
    clock.advance(60_000);
  }
  absences.begin();
  const next = open('a');
  for (const at of times) expect(next.covers(at)).toBe(true);
  expect(next.covers(clock.now() + 1_000_000)).toBe(true);
  next.end();
  clock.advance(1);
  expect([clock.now(), (times[0] ?? 0) + 30_000].map((at) => open('a').covers(at))).toEqual([false, false]);
});

test('what ended just before it was noticed is covered', () => {
  const absences = open('b');
  const ended = clock.now();
  clock.advance(500);
  absences.begin();
  clock.advance(500);
  absences.end();
  expect(absences.covers(ended)).toBe(true);
  expect(absences.covers(ended - 60_000)).toBe(false);
});

test('a file that cannot be read is none', () => {
  const absences = open('c');
  absences.begin();
  writeFileSync(join(folder, 'docker', 'c'), '[{"from":"x"},{"fro');
  expect(open('c').covers(clock.now())).toBe(false);
});
