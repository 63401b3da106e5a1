import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../../../test/support/manual-clock.ts';
import { ProgressBar } from './progress-bar.ts';

let written: string[];
let clock: ManualClock;

beforeEach(() => {
  written = [];
  clock = new ManualClock();
});

const bar = (isTerminal: boolean, env = {}) =>
  new ProgressBar({
    stderr: { isTerminal, write: async (text) => void written.push(String(text)) },
    ...{ clock, env },
  });

it('draws over itself, not more often than is seen, and takes itself away', async () => {
  const shown = bar(true);
  for (let done = 0; done <= 4; done += 1) {
    shown.bytes('sending a.tar', done * 2 ** 20, 4 * 2 ** 20);
    clock.advance(done === 0 ? 2000 : 50);
  }
  await shown.clear();
  await shown.clear();
  expect(written).toEqual([
    '\r\x1b[Ksending a.tar [........................] 0/4Mi',
    '\r\x1b[Ksending a.tar [######..................] 1Mi/4Mi 512Ki/s',
    '\r\x1b[Ksending a.tar [##################......] 3Mi/4Mi 1.4Mi/s',
    '\r\x1b[K',
  ]);
});

it('never is longer than a line', async () => {
  bar(true).bytes('x'.repeat(200), 1, 2);
  expect(written[0]).toHaveLength('\r\x1b[K'.length + 79);
});

it.each([
  ['no terminal', false, {}],
  ['a terminal that cannot erase', true, { TERM: 'dumb' }],
])('writes nothing where there is %s', async (_what, isTerminal, env) => {
  const shown = bar(isTerminal, env);
  shown.bytes('sending', 1, 2);
  shown.text('building');
  await shown.clear();
  expect(written).toEqual([]);
});
