import { expect, test } from 'vitest';
import type { Identity } from '../objects.ts';
import { checkRunTransition, isActive, isBound, isTerminal, type RunPhase, runPhases } from './run-table.ts';

const identities: Record<string, Identity> = {
  task: { role: 'controller', name: 'task' },
  nodeController: { role: 'controller', name: 'node' },
  scheduler: { role: 'controller', name: 'scheduler' },
  reaper: { role: 'controller', name: 'reaper' },
  runner: { role: 'node', name: 'n1' },
  otherRunner: { role: 'node', name: 'n2' },
  admin: { role: 'admin', name: 'root' },
};

/** Everything that is allowed for a Run whose placement is n1; every other combination is refused. */
const allowed = [
  'none > Pending: task',
  'Pending > Pending: task scheduler',
  'Pending > Scheduled: scheduler',
  'Pending > Stopped: task',
  'Scheduled > Pending: runner',
  'Scheduled > Scheduled: runner',
  'Scheduled > Preparing: runner',
  'Scheduled > Starting: runner',
  'Scheduled > Running: runner',
  'Scheduled > Succeeded: runner',
  'Scheduled > Failed: runner',
  'Scheduled > Stopped: runner',
  'Scheduled > Lost: nodeController',
  'Preparing > Preparing: runner',
  'Preparing > Starting: runner',
  'Preparing > Running: runner',
  'Preparing > Succeeded: runner',
  'Preparing > Failed: runner',
  'Preparing > Stopped: runner',
  'Preparing > Lost: nodeController',
  'Starting > Starting: runner',
  'Starting > Running: runner',
  'Starting > Succeeded: runner',
  'Starting > Failed: runner',
  'Starting > Stopped: runner',
  'Starting > Lost: nodeController',
  'Running > Running: runner',
  'Running > Succeeded: runner',
  'Running > Failed: runner',
  'Running > Stopped: runner',
  'Running > Lost: nodeController',
  'Running > Paused: runner',
  'Paused > Paused: runner',
  'Paused > Running: runner',
  'Paused > Succeeded: runner',
  'Paused > Failed: runner',
  'Paused > Stopped: runner',
  'Paused > Lost: nodeController',
  'Succeeded > Succeeded: runner',
  'Failed > Failed: runner',
  'Stopped > Stopped: runner',
  'Lost > Lost: nodeController runner',
  'Lost > Running: runner',
  'Lost > Succeeded: runner',
  'Lost > Failed: runner nodeController',
  'Lost > Stopped: runner',
];

test('the whole table: every pair of phases for every identity', () => {
  const found: string[] = [];
  for (const from of [undefined, ...runPhases]) {
    for (const to of runPhases) {
      const who = Object.keys(identities).filter(
        (name) => checkRunTransition({ from, to, identity: identities[name]!, runNode: 'n1' }) === undefined,
      );
      if (who.length > 0) found.push(`${from ?? 'none'} > ${to}: ${who.sort().join(' ')}`);
    }
  }
  const sorted = allowed.map((line) => {
    const [step = '', who = ''] = line.split(': ');
    return `${step}: ${who.split(' ').sort().join(' ')}`;
  });
  expect(found.sort()).toEqual(sorted.sort());
});

test('without a placement no runner may write', () => {
  for (const from of runPhases) {
    for (const to of runPhases) {
      expect(checkRunTransition({ from, to, identity: identities.runner!, runNode: undefined })).toBeTypeOf(
        'string',
      );
    }
  }
});

test('a refusal says who might, or that nobody can', () => {
  const ask = (from: RunPhase, to: RunPhase, who: string) =>
    checkRunTransition({ from, to, identity: identities[who]!, runNode: 'n1' });
  expect(ask('Running', 'Succeeded', 'otherRunner')).toBe(
    "only the runner of the Run's node may let a Run go from Running to Succeeded, not node n2",
  );
  expect(ask('Succeeded', 'Running', 'runner')).toBe('a Run cannot go from Succeeded to Running');
});

test('phases are terminal, bound or waiting', () => {
  expect(runPhases.filter(isTerminal)).toEqual(['Succeeded', 'Failed', 'Stopped']);
  expect(runPhases.filter(isBound)).toEqual([
    'Scheduled',
    'Preparing',
    'Starting',
    'Running',
    'Paused',
    'Lost',
  ]);
  expect(runPhases.filter(isActive)).toEqual([
    'Pending',
    'Scheduled',
    'Preparing',
    'Starting',
    'Running',
    'Paused',
    'Lost',
  ]);
});
