import { expect, it } from 'vitest';
import { noChanges } from '../../builder/index.ts';
import { containerStep, type ObservedContainer, type WantedContainer } from './container-step.ts';

const limits = { milliCores: 0, memoryBytes: 0 };
const wanted: WantedContainer = { digest: 'new', suspend: false, limits };
const found: ObservedContainer = {
  ...{ id: 'c1', name: 'river-env-a', running: true, since: '', inUse: false, limits },
  ...{ digest: 'new', base: 'new', changes: noChanges },
};
const some = { ...noChanges, added: 1 };
const none = undefined;
const old = { digest: 'old', base: 'old' };

it.each<[string, WantedContainer | undefined, Partial<ObservedContainer> | undefined, string]>([
  ['there is none and is to be one', wanted, none, 'create'],
  ['there is none and is to be none', none, none, 'done'],
  ['it is as wanted', wanted, {}, 'done'],
  ['it has ended', wanted, { running: false }, 'start'],
  ['it is suspended', { ...wanted, suspend: true }, {}, 'stop'],
  ['it is suspended and stopped', { ...wanted, suspend: true }, { running: false }, 'done'],
  ['it has other limits', { ...wanted, limits: { ...limits, milliCores: 1 } }, {}, 'limit'],
  ['it holds something', wanted, { changes: some }, 'done'],
  ['it is of an old digest', wanted, old, 'remove'],
  [
    'it is suspended and of an old digest',
    { ...wanted, suspend: true },
    { ...old, running: false },
    'remove',
  ],
  ['it is of an old digest and somebody is in it', wanted, { ...old, inUse: true }, 'done'],
  ['it is of an old digest and holds something', wanted, { ...old, changes: some }, 'done'],
  [
    'it is of an old digest, holds something and has ended',
    wanted,
    { ...old, changes: some, running: false },
    'start',
  ],
  ['nobody knows what it holds', wanted, { ...old, changes: none }, 'done'],
  ['it was committed as what is in use', wanted, { digest: 'old' }, 'remove'],
  ['it was committed, and more may have come', wanted, { digest: 'old', inUse: true, changes: none }, 'done'],
  ['there is to be none', none, { inUse: true }, 'remove'],
  ['there is to be none, and it holds something', none, { changes: some }, 'stop'],
  ['there is to be none, and nobody knows what it holds', none, { changes: none }, 'stop'],
  ['there is to be none, and it is kept', none, { changes: some, running: false }, 'done'],
])('%s', (_what, target, observed, step) => {
  expect(containerStep(target, observed && { ...found, ...observed })).toBe(step);
});
