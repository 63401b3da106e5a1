import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realClock, realRng } from '../base/index.ts';
import { EventStream } from './event-stream.ts';

let connections: PassThrough[];
let refusals: number;
let told: string[];
let events: EventStream;

beforeEach(() => {
  connections = [];
  refusals = 0;
  told = [];
  events = new EventStream({
    ...{ clock: realClock, rng: realRng, retry: { baseMs: 1, capMs: 2 } },
    ask: async () => {
      if (refusals-- > 0) throw new Error('no engine');
      const stream = new PassThrough();
      connections.push(stream);
      return stream;
    },
    onConnected: (again) => void told.push(again ? 'again' : 'connected'),
    onEvent: ({ name }) => void told.push(`event ${name}`),
    onLost: () => void told.push('lost'),
  });
});
afterEach(() => events.close());

const line = (name: string) => `${JSON.stringify({ Actor: { Attributes: { name } } })}\n`;
const says = (...expected: string[]) => expect.poll(() => told).toEqual(expected);

test('events come whole, wherever the network cuts them, and others do no harm', async () => {
  await events.open();
  const text = `${line('a')}no event\n{"Actor":null}\n${line('b')}`;
  for (const byte of text) connections[0]?.write(byte);
  await says('connected', 'event a', 'event undefined', 'event undefined', 'event b');
});

test('a connection that is lost is made again, and who listens knows which is which', async () => {
  await events.open();
  expect(events.connection).toBe(1);
  refusals = 2;
  connections[0]?.destroy(new Error('cut'));
  await says('connected', 'lost', 'again');
  expect(events.connection).toBe(2);
  connections[1]?.end(line('a'));
  await says('connected', 'lost', 'again', 'event a', 'lost', 'again');
});

test('an engine that is not there: who opens is told, who follows waits', async () => {
  refusals = 1;
  await expect(events.open()).rejects.toThrow('no engine');
  expect(events.connection).toBeUndefined();
  refusals = 3;
  events.follow();
  await says('connected');
});

test('once it is closed nothing is asked any more', async () => {
  await events.open();
  events.close();
  await expect.poll(() => connections[0]?.destroyed).toBe(true);
  await events.open();
  expect([connections.length, connections[1]?.destroyed, told]).toEqual([2, true, ['connected']]);
});
