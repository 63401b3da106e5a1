import { describe, expect, test } from 'vitest';
import { gibibyte, gpu, needOf, numaNodes, readyNode } from '../../../test/support/machines.ts';
import { addCharge, chargeFor, type Held, nothingHeld } from '../charges.ts';
import type { Need } from '../need.ts';
import { assign } from './assign.ts';

/** Four NUMA nodes of two cores with two threads each; 0 and 1, 2 and 3 are near each other. One GPU on 1, two on 2. */
const machine = readyNode('n1', {
  allocatable: { cores: 16, memory: 32 * gibibyte },
  cpus: {
    online: '0-15',
    allocatable: '0-15',
    isolated: '',
    cores: Array.from({ length: 8 }, (_, core) => `${core},${core + 8}`),
  },
  numa: numaNodes(['0-1,8-9', '2-3,10-11', '4-5,12-13', '6-7,14-15'], 8 * gibibyte, (from, to) =>
    from === to ? 10 : Math.floor(from / 2) === Math.floor(to / 2) ? 12 : 32,
  ),
  gpus: [1, 2, 2].map((numa, index) => gpu(index, `g${index}`, { numa })),
});

function given(change: Partial<Need>, held: Held = nothingHeld) {
  const answer = assign(needOf(change), machine, held);
  return 'assignment' in answer ? answer.assignment : answer.refusals.map(({ reason }) => reason);
}

const heldBy = (...changes: Partial<Need>[]) =>
  changes.reduce<Held>((held, change) => {
    const answer = assign(needOf(change), machine, held);
    return 'assignment' in answer ? addCharge(held, chargeFor(needOf(change), answer.assignment)) : held;
  }, nothingHeld);

describe('what is chosen on a node', () => {
  test('nothing for what asks for amounts alone', () => {
    expect(given({})).toEqual({});
    expect(given({ target: { node: 'n1' } })).toEqual({});
  });

  test('whole physical cores first, and then what is left of a broken one', () => {
    expect(given({ pin: true, milliCores: 2000 })).toEqual({ cpus: '0,8', pinned: true });
    expect(given({ pin: true, milliCores: 3000 })).toEqual({ cpus: '0-1,8', pinned: true });
    const broken = heldBy({ pin: true, milliCores: 3000 });
    expect(given({ pin: true, milliCores: 1000 }, broken)).toEqual({ cpus: '9', pinned: true });
    expect(given({ pin: true, milliCores: 2000 }, broken)).toEqual({ cpus: '2,10', pinned: true });
  });

  test('the fewest NUMA nodes, near ones before far ones', () => {
    expect(given({ pin: true, milliCores: 6000 })).toEqual({ cpus: '0-2,8-10', pinned: true });
    const half = heldBy({ pin: true, milliCores: 4000, target: { node: 'n1', numa: 0 } });
    expect(given({ pin: true, milliCores: 8000 }, half)).toEqual({ cpus: '4-7,12-15', pinned: true });
  });

  test('CPUs beside the GPUs', () => {
    const gpus = [
      { index: 1, uuid: 'g1' },
      { index: 2, uuid: 'g2' },
    ];
    expect(given({ pin: true, milliCores: 2000, gpus: { count: 2 } })).toEqual({
      cpus: '4,12',
      pinned: true,
      gpus,
    });
    expect(given({ gpus: { count: 3 } })).toMatchObject({ gpus: [{ index: 0 }, { index: 1 }, { index: 2 }] });
  });

  test('confined to one NUMA node where that is asked for, the tightest that has all', () => {
    expect(given({ numa: 'require', milliCores: 3000 })).toEqual({ cpus: '0-1,8-9', numaNodes: [0] });
    const used = heldBy({ numa: 'require', milliCores: 1000, target: { node: 'n1', numa: 3 } });
    expect(given({ numa: 'require', milliCores: 3000 }, used)).toMatchObject({ numaNodes: [3] });
    expect(given({ numa: 'require', gpus: { count: 2 } })).toMatchObject({ numaNodes: [2] });
    expect(given({ numa: 'require', milliCores: 5000 })).toEqual([
      'has no single NUMA node with 5 cores together',
    ]);
    expect(given({ numa: 'prefer', milliCores: 5000 })).toEqual({});
    expect(given({ numa: 'prefer', milliCores: 4000 })).toMatchObject({ numaNodes: [0] });
  });

  test('a NUMA node that is preferred is no condition, also where there is one and it has less than its machine', () => {
    const numa = numaNodes(['0-3'], 4 * gibibyte);
    const status = { cpus: { online: '0-3', allocatable: '0-3', isolated: '', cores: [] }, numa };
    const small = readyNode('n2', status);
    const preferred = (memoryBytes: number) =>
      assign(needOf({ numa: 'prefer', memoryBytes }), small, nothingHeld);
    expect(preferred(4 * gibibyte)).toEqual({ assignment: { cpus: '0-3', numaNodes: [0] } });
    expect(preferred(5 * gibibyte)).toEqual({ assignment: {} });
  });

  test('CPUs of a NUMA node that could not be read are pinned when the others do not suffice', () => {
    const cpus = { online: '0-3', allocatable: '0-3', isolated: '', cores: ['0-1', '2-3'] };
    const half = readyNode('n2', { cpus, numa: numaNodes(['0-1'], gibibyte) });
    const pinned = (milliCores: number, held?: Held) =>
      assign(needOf({ pin: true, milliCores }), half, held ?? nothingHeld);
    expect(pinned(3000)).toEqual({ assignment: { cpus: '0-2', pinned: true } });
    expect(pinned(2000, { ...nothingHeld, runs: 1, milliCores: 3000 })).toEqual({
      refusals: [{ code: 'Pin', reason: '1 of 4 CPUs can be pinned, needs 2' }],
    });
  });

  test('what is promised on each NUMA node counts as whole CPUs of it', () => {
    const shared = heldBy(...[0, 1, 2, 3].map((numa) => ({ milliCores: 500, target: { node: 'n1', numa } })));
    expect(given({ pin: true, milliCores: 13_000 }, shared)).toEqual([
      '12 of 16 CPUs can be pinned, needs 13',
    ]);
  });

  test('pins leave what unpinned work was promised', () => {
    const shared = heldBy({ numa: 'require', milliCores: 3000, target: { node: 'n1', numa: 0 } });
    expect(given({ pin: true, milliCores: 2000, target: { node: 'n1', numa: 0 } }, shared)).toEqual([
      'on NUMA node 0: 1 of 4 CPUs can be pinned, needs 2',
    ]);
    const everywhere = { ...nothingHeld, runs: 1, milliCores: 14_500 };
    expect(given({ pin: true, milliCores: 2000 }, everywhere)).toEqual([
      '1 of 16 CPUs can be pinned, needs 2',
    ]);
  });

  test('GPUs: by index, by model and memory, shared by memory and packed', () => {
    expect(given({ target: { node: 'n1', gpus: [0, 2] }, gpus: { count: 2 } })).toEqual({
      gpus: [
        { index: 0, uuid: 'g0' },
        { index: 2, uuid: 'g2' },
      ],
    });
    const share = { gpus: { count: 1, memoryBytes: 16 * gibibyte, shared: true } };
    const first = given(share);
    expect(first).toEqual({ gpus: [{ index: 0, uuid: 'g0', memoryBytes: 16 * gibibyte }] });
    expect(given(share, heldBy(share))).toEqual(first);
    expect(given(share, heldBy(share, share))).toMatchObject({ gpus: [{ index: 1 }] });
    expect(given({ gpus: { count: 3 } }, heldBy(share))).toEqual(['2 of 3 GPU free, needs 3']);
  });

  test.each<[Partial<Need>, string]>([
    [{ target: { node: 'n1', numa: 7 } }, 'has no NUMA node 7; it has 0-3'],
    [{ target: { node: 'n1', gpus: [3] }, gpus: { count: 1 } }, 'has no GPU 3; it has 0-2'],
    [{ gpus: { count: 4 } }, 'has 3 GPU, needs 4'],
    [{ gpus: { count: 1, model: 'h100' } }, 'has no GPU of model h100 (has 3 NVIDIA A100), needs 1'],
    [{ pin: true, milliCores: 17_000 }, 'has 16 CPUs to pin, needs 17'],
    [
      { numa: 'require', memoryBytes: 9 * gibibyte },
      'has no single NUMA node with 1 cores, 9Gi memory together',
    ],
    [{ target: { node: 'n1', numa: 0 }, milliCores: 5000 }, 'on NUMA node 0: has 4 cores, needs 5'],
    [
      { target: { node: 'n1', numa: 0 }, memoryBytes: 9 * gibibyte },
      'on NUMA node 0: has 8Gi memory, needs 9Gi',
    ],
    [{ target: { node: 'n1', numa: 2 }, gpus: { count: 3 } }, 'on NUMA node 2: has 2 GPU, needs 3'],
    [{ target: { node: 'n1', numa: 0, gpus: [2] }, gpus: { count: 1 } }, 'GPU 2 is on NUMA node 2, not on 0'],
  ])('%j: %s', (change, reason) => {
    expect(given(change)).toEqual([reason]);
  });
});
