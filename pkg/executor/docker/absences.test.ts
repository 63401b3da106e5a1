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
const minute = 60_000;
let count = 0;

/** A runner that has reached the engine `first`, and further ones on the same disk. */
function firstOf() {
  const file = join(folder, 'docker', String(count++));
  const open = () => new Absences(file, { clock, logger: silentLogger });
  const absences = open();
  absences.end('first');
  clock.advance(minute);
  return { absences, open, file };
}

test('of a program it counts whether the engine was away when it ended, or only before', () => {
  const { absences, open } = firstOf();
  const start = clock.now();
  clock.advance(minute);
  absences.begin();
  clock.advance(minute);
  const away = clock.now();
  absences.begin();
  clock.advance(minute);
  absences.end('second');
  clock.advance(minute);
  const later = clock.now();
  for (const each of [absences, open()]) {
    expect(each.during(start, away)).toBe('end');
    expect(each.during(start, later)).toBe('middle');
    expect(each.during(away, later)).toBe('middle');
    expect(each.during(start, start + 1000)).toBeUndefined();
    expect(each.during(later - 1000, later)).toBeUndefined();
  }
});

test('one that lasts covers what ends at any time', () => {
  const { absences, open } = firstOf();
  absences.begin();
  const start = clock.now();
  expect(open().during(start, start + 1000 * minute)).toBe('end');
});

test('what ended just before it was noticed is covered', () => {
  const { absences } = firstOf();
  clock.advance(minute);
  const ended = clock.now();
  clock.advance(500);
  absences.begin();
  clock.advance(500);
  absences.end('second');
  expect(absences.during(ended - 1000, ended)).toBe('end');
  expect(absences.during(ended - 40_000, ended - 20_000)).toBeUndefined();
});

test('a connection that was lost while the engine lived on is no absence', () => {
  const { absences } = firstOf();
  absences.begin();
  clock.advance(minute);
  absences.end('first');
  expect(absences.during(0, clock.now())).toBe('unseen');
  expect(absences.during(clock.now() - minute, clock.now())).toBeUndefined();
});

test('the next runner takes an engine that lives on for one that was always there, and any other for one that ended unseen', () => {
  const { open } = firstOf();
  const start = clock.now();
  clock.advance(minute);
  const same = open();
  same.end('first');
  expect(same.during(start, clock.now())).toBeUndefined();
  const other = open();
  other.end('second');
  expect(other.during(start, clock.now())).toBe('unseen');
  clock.advance(1);
  expect(other.during(clock.now(), clock.now() + 1000)).toBeUndefined();
});

test('where engines cannot be seen each new runner finds one that may have ended', () => {
  const { open } = firstOf();
  const start = clock.now();
  open().end(undefined);
  clock.advance(1);
  const next = open();
  const between = clock.now();
  clock.advance(1);
  next.end(undefined);
  expect(next.during(start, between)).toBe('unseen');
  expect(next.during(between, between)).toBe('unseen');
});

test('a runner that finds no engine does not know since when there is none', () => {
  const { open } = firstOf();
  const start = clock.now();
  clock.advance(minute);
  const next = open();
  next.begin();
  clock.advance(minute);
  next.end('second');
  expect(next.during(start, start + 1)).toBe('unseen');
});

test('of many the oldest become one', () => {
  const { absences, open } = firstOf();
  const start = clock.now();
  for (let round = 0; round < 60; round++) {
    absences.begin();
    clock.advance(minute);
    absences.end(`life ${round}`);
    clock.advance(minute);
  }
  expect(open().during(start, start + 3 * minute)).toBe('unseen');
  expect(open().during(clock.now() - 1000, clock.now())).toBeUndefined();
  expect(open().during(clock.now() - 10 * minute, clock.now())).toBe('middle');
});

test('a file that cannot be read knows nothing', () => {
  const { file, open } = firstOf();
  const start = clock.now();
  writeFileSync(file, '{"absences":[{"from":"x"},{"fro');
  const next = open();
  next.end('first');
  expect(next.during(start, start)).toBe('unseen');
});
