import { beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../../test/support/manual-clock.ts';
import { type LogFields, type Logger, silentLogger } from '../base/index.ts';
import { HostVitals, type StateSpace } from './vitals.ts';

const gibibyte = 1024 ** 3;
let clock: ManualClock;
let space: StateSpace;
let told: { message: string; fields?: LogFields }[];
let vitals: HostVitals;

beforeEach(() => {
  clock = new ManualClock();
  space = { size: 100 * gibibyte, free: 50 * gibibyte };
  told = [];
  const tell = (message: string, fields?: LogFields) => void told.push({ message, fields });
  const logger: Logger = { ...silentLogger, warn: tell, info: tell };
  vitals = new HostVitals({ space: () => space, clock, logger });
});

const mebibytesFree = (count: number) => {
  space = { ...space, free: count * 1024 ** 2 };
  clock.advance(1_000);
};

test('nothing new is taken while there is no room, and it is again when there is a little more', () => {
  expect(vitals.noRoom).toBeUndefined();
  mebibytesFree(255);
  expect(vitals.noRoom).toContain('takes nothing new, because less than 256Mi is free');
  mebibytesFree(257);
  expect(vitals.noRoom).toBeDefined();
  mebibytesFree(321);
  expect(vitals.noRoom).toBeUndefined();
  expect(told.map(({ message }) => message)).toEqual([
    'the host takes nothing new: its state has no room',
    'the host takes new work again',
  ]);
});

test('of a small volume a share is kept back', () => {
  space = { size: gibibyte, free: 0.03 * gibibyte };
  expect(vitals.noRoom).toBeUndefined();
  space = { size: gibibyte, free: 0.01 * gibibyte };
  expect(vitals.noRoom).toBeUndefined();
  clock.advance(1_000);
  expect(vitals.noRoom).toBeDefined();
});

test('a wall clock that is set counts once, forward and back; one that drifts does not', () => {
  vitals.look();
  for (let hour = 0; hour < 3; hour++) {
    clock.advance(3_600_000);
    clock.setWall(clock.now() + 1_500);
    expect(vitals.clockJumps).toBe(0);
  }
  for (const byMs of [3_600_000, -3_600_000]) {
    clock.advance(10_000);
    clock.setWall(clock.now() + byMs);
    vitals.look();
    clock.advance(10_000);
    vitals.look();
  }
  expect(vitals.clockJumps).toBe(2);
  expect(told.map(({ fields }) => fields)).toEqual([{ byMs: 3_600_000 }, { byMs: -3_600_000 }]);
});
