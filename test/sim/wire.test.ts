import { expect, test } from 'vitest';
import { wire } from './wire.ts';

test('what arrives is what JSON makes of a message, and shares nothing with it', () => {
  const message = { text: 'a', list: [1, null, { deep: true }], missing: undefined };
  const copy = wire(message);
  expect(copy).toStrictEqual(JSON.parse(JSON.stringify(message)));
  expect(copy.list[2]).not.toBe(message.list[2]);
  expect(wire(undefined)).toBeUndefined();
});

test.each([
  [{ status: { cpuSeconds: Number.NaN } }, 'message.status.cpuSeconds is NaN'],
  [{ at: new Date(0) }, 'message.at is a Date'],
  [[1, undefined], 'message has an undefined item'],
  [{ items: new Map() }, 'message.items is a Map'],
  [{ call: () => {} }, 'message.call is a function'],
])('what it would lose or change is named with its place: %#', (message, finding) => {
  expect(() => wire(message)).toThrow(finding);
});
