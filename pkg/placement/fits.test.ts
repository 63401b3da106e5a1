import { describe, expect, test } from 'vitest';
import { gibibyte, needOf, ready, readyNode, runSpec } from '../../test/support/machines.ts';
import { apiVersion, type Condition, type Node, type Run, type RunPhase } from '../api/index.ts';
import { addCharge, chargeOf, type Held, isCharged, nothingHeld, subtractCharge } from './charges.ts';
import { fits } from './fits.ts';
import { type Need, runNeed } from './need.ts';

const condition = (status: Condition['status'], reason: string): Condition => ({ ...ready, status, reason });

const resources = { allocatable: { cores: 8, memory: 16 * gibibyte }, runtimes: ['docker'] };
const node = readyNode('n1', resources, { metadata: { labels: { gpu: 'a100' } } });

const need = needOf({ milliCores: 2000, memoryBytes: gibibyte, runtime: 'docker' });

function reasons(change: Partial<Need>, nodeChange: Partial<Node> = {}, charged: Partial<Held> = {}) {
  const verdict = fits({ ...need, ...change }, { ...node, ...nodeChange }, { ...nothingHeld, ...charged });
  return verdict.fits ? [] : verdict.reasons;
}

describe('fits', () => {
  test.each(['DiskPressure', 'LogVolumePressure', 'EngineVolumePressure'])(
    'nothing new goes where there is %s',
    (type) => {
      const conditions = [condition('True', 'RunnerReady'), { ...condition('True', 'NoRoom'), type }];
      const verdict = fits(need, { ...node, status: { ...node.status, conditions } }, nothingHeld);
      expect(verdict).toEqual({ fits: false, reasons: [`${type} (NoRoom)`], codes: ['Pressure'] });
      const over = [condition('True', 'RunnerReady'), { ...condition('False', 'RoomLeft'), type }];
      expect(fits(need, { ...node, status: { ...node.status, conditions: over } }, nothingHeld)).toEqual({
        fits: true,
        assignment: {},
      });
    },
  );

  test('a full disk of the engine holds up containers only', () => {
    const full = { ...condition('True', 'NoRoom'), type: 'EngineVolumePressure' };
    const conditions = [condition('True', 'RunnerReady'), full];
    const status = { ...node.status, conditions, runtimes: ['docker', 'process'] };
    const verdict = (runtime: string) => fits({ ...need, runtime }, { ...node, status }, nothingHeld).fits;
    expect([verdict('docker'), verdict('process')]).toEqual([false, true]);
  });

  test('a node with room, and one that is filled to the last millicore and byte', () => {
    expect(fits(need, node, nothingHeld)).toEqual({ fits: true, assignment: {} });
    const held = { ...nothingHeld, milliCores: 6000, memoryBytes: 15 * gibibyte };
    expect(fits(need, node, held)).toEqual({ fits: true, assignment: {} });
    expect(reasons({}, {}, { milliCores: 6001, memoryBytes: 0 })).toEqual(['1.999 of 8 cores free, needs 2']);
    expect(reasons({}, {}, { milliCores: 0, memoryBytes: 15 * gibibyte + 2 ** 29 })).toEqual([
      '512Mi of 16Gi memory free, needs 1Gi',
    ]);
  });

  test('says that the node is too small at all', () => {
    expect(reasons({ milliCores: 9000, memoryBytes: 20e9 })).toEqual([
      'has 8 cores, needs 9',
      'has 16Gi memory, needs 20G',
    ]);
  });

  test('needs of nothing fit on a node that has shrunk below its charges', () => {
    expect(reasons({ milliCores: 0, memoryBytes: 0 }, {}, { milliCores: 9000, memoryBytes: 0 })).toEqual([]);
    expect(reasons({}, {}, { milliCores: 9000, memoryBytes: 0 })).toEqual(['0 of 8 cores free, needs 2']);
  });

  test.each([
    ['another target', { target: { node: 'n2' } }, {}, 'not the target n2'],
    ['no status', {}, { status: undefined }, 'not Ready (NeverReported)'],
    ['cordoned', {}, { spec: { unschedulable: true } }, 'unschedulable (cordoned)'],
    ['deleted', {}, { metadata: { name: 'n1', deletionTimestamp: 'x' } }, 'being deleted'],
    ['avoided', { avoid: ['n1'] }, {}, 'its runner has refused this run'],
    ['other label', { nodeSelector: { gpu: 'h100' } }, {}, 'needs label gpu=h100, has gpu=a100'],
    ['no label', { nodeSelector: { zone: 'a' } }, {}, 'needs label zone=a, has no such label'],
    [
      'no label of an inherited name',
      { nodeSelector: { constructor: 'a' } },
      {},
      'needs label constructor=a, has no such label',
    ],
    ['no runtime', { runtime: 'process' }, {}, 'runtime process is not available'],
  ])('%s', (_name, change, nodeChange, reason) => {
    expect(reasons(change, nodeChange)).toEqual([reason]);
  });

  test('a node whose lease has expired', () => {
    const conditions = [condition('Unknown', 'LeaseExpired')];
    expect(reasons({ milliCores: 99_000 }, { status: { ...node.status, conditions } })).toEqual([
      'not Ready (LeaseExpired)',
    ]);
  });

  test('the right target and the right labels fit', () => {
    expect(reasons({ target: { node: 'n1' }, nodeSelector: { gpu: 'a100' }, avoid: ['n2'] })).toEqual([]);
  });
});

function run(phase: RunPhase, placement?: { node: string }): Run {
  const resources = { cores: 0.1, memory: '1k' };
  return {
    apiVersion,
    kind: 'Run',
    metadata: { name: 'r' },
    spec: runSpec('t', { runtime: 'docker', resources, placement }),
    status: { phase },
  };
}

describe('charges', () => {
  test('bound and active Runs count, Lost ones too, ended and unbound ones do not', () => {
    const bound = { node: 'n1' };
    const counted = ['Scheduled', 'Preparing', 'Starting', 'Running', 'Lost'] as const;
    for (const phase of counted) expect(isCharged(run(phase, bound))).toBe(true);
    for (const phase of ['Succeeded', 'Failed', 'Stopped'] as const)
      expect(isCharged(run(phase, bound))).toBe(false);
    expect(isCharged(run('Pending'))).toBe(false);
  });

  test('sums are exact integers', () => {
    const charges = Array.from({ length: 3 }, () => chargeOf(run('Running', { node: 'n1' })));
    const held = charges.reduce(addCharge, nothingHeld);
    expect(held).toMatchObject({ runs: 3, milliCores: 300, memoryBytes: 3000 });
    expect(charges.reduce(subtractCharge, held)).toEqual(nothingHeld);
  });

  test('the need of a Run without resources charges nothing', () => {
    const { spec } = run('Pending');
    const bare = { ...spec, resources: undefined, target: 'n1' };
    const plain: Run = { ...run('Pending'), spec: bare, status: { phase: 'Pending', avoid: ['n2'] } };
    expect(chargeOf(plain)).toMatchObject({ milliCores: 0, memoryBytes: 0 });
    expect(runNeed(plain)).toEqual(
      needOf({ milliCores: 0, runtime: 'docker', target: { node: 'n1' }, avoid: ['n2'] }),
    );
  });
});
