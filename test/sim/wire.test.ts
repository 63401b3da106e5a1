import { expect, test } from 'vitest';
import { unserializable, wire } from './wire.ts';

test('what JSON carries as it is passes', () => {
  const message = { text: 'a', list: [1, null, { deep: true }], missing: undefined };
  expect(unserializable(message)).toBeUndefined();
  expect(wire(message)).toEqual({ text: 'a', list: [1, null, { deep: true }] });
});

test.each([
  [{ status: { cpuSeconds: Number.NaN } }, 'message.status.cpuSeconds is NaN'],
  [{ at: new Date(0) }, 'message.at is a Date'],
  [[1, undefined], 'message has an undefined item'],
  [{ items: new Map() }, 'message.items is a Map'],
  [{ call: () => {} }, 'message.call is a function'],
])('what it would lose or change is named with its place: %#', (message, finding) => {
  expect(unserializable(message)).toBe(finding);
});
