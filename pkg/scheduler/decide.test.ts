import { describe, expect, test } from 'vitest';
import { ready, readyNode, runSpec } from '../../test/support/machines.ts';
import { apiVersion, type Run } from '../api/index.ts';
import { type Held, nothingHeld, runNeed } from '../placement/index.ts';
import { type Decision, decide as decideOn, type NeedClass, type Snapshot } from './decide.ts';
import { suspended } from './explain.ts';
import type { NodeLoad } from './score.ts';

function load(
  name: string,
  held: Partial<Held> = {},
  cores = 8,
  status: 'True' | 'Unknown' = 'True',
): NodeLoad {
  const reason = status === 'True' ? 'RunnerReady' : 'LeaseExpired';
  const conditions = [{ ...ready, status, reason }];
  const node = readyNode(name, { conditions, allocatable: { cores, memory: 16e9 } });
  return { node, held: { ...nothingHeld, ...held } };
}

function run(name: string, cores: number, createdAt = '0', target?: string): Run {
  return {
    apiVersion,
    kind: 'Run',
    metadata: { name, namespace: 'default', creationTimestamp: createdAt },
    spec: runSpec('t', { resources: { cores }, target }),
  };
}

function classOf(...runs: Run[]): NeedClass {
  const need = runNeed(runs[0] as Run);
  return { key: JSON.stringify(need), need, namespace: 'default', priority: 0, policy: 'leastLoaded', runs };
}

type Given = Pick<Snapshot, 'classes' | 'nodes' | 'limit'> & Partial<Snapshot>;

function decide(given: Given): Decision {
  return decideOn({ nowMs: 0, namespaces: new Map(), runsOn: () => [], ...given });
}

function places(classes: NeedClass[], nodes: NodeLoad[], limit = 100) {
  const { placements } = decide({ classes, nodes, limit });
  return placements.map(({ run: placed, node }) => `${placed.metadata.name}@${node}`);
}

describe('decide', () => {
  test('takes the least loaded node, and counts each placement at once', () => {
    const nodes = [load('b'), load('a'), load('c', { milliCores: 6000, memoryBytes: 0 })];
    const runs = ['1', '2', '3'].map((name) => run(name, 2));
    expect(places([classOf(...runs)], nodes)).toEqual(['1@a', '2@b', '3@a']);
  });

  test('is relative to the size of the node, and looks at memory too', () => {
    expect(
      places(
        [classOf(run('1', 1))],
        [
          load('a', { milliCores: 2000, memoryBytes: 0 }, 4),
          load('b', { milliCores: 2000, memoryBytes: 0 }, 8),
        ],
      ),
    ).toEqual(['1@b']);
    expect(
      places(
        [classOf(run('1', 1))],
        [load('a', { milliCores: 0, memoryBytes: 8e9 }), load('b', { milliCores: 2000, memoryBytes: 0 })],
      ),
    ).toEqual(['1@b']);
  });

  test('spreads Runs that charge nothing', () => {
    const runs = ['1', '2', '3'].map((name) => run(name, 0));
    expect(places([classOf(...runs)], [load('a'), load('b')])).toEqual(['1@a', '2@b', '3@a']);
  });

  test('never gives out more than there is', () => {
    const runs = Array.from({ length: 7 }, (_, index) => run(`r${index}`, 3));
    const { placements, blocked } = decide({
      classes: [classOf(...runs)],
      nodes: [load('a'), load('b')],
      limit: 100,
    });
    expect(placements).toHaveLength(4);
    expect([...blocked.values()][0]?.message).toBe(
      '0/2 nodes fit: a: 2 of 8 cores free, needs 3; b: 2 of 8 cores free, needs 3',
    );
  });

  test('older Runs come first over all classes; a big one that does not fit blocks no small one', () => {
    const big = classOf(run('big', 8, '1'), run('big2', 8, '3'));
    const small = classOf(run('small', 1, '2'));
    expect(places([small, big], [load('a')])).toEqual(['big@a']);
    expect(places([small, classOf(run('huge', 9, '1'))], [load('a')])).toEqual(['small@a']);
  });

  test('the limit cuts a round off without a verdict on what is left', () => {
    const runs = Array.from({ length: 5 }, (_, index) => run(`r${index}`, 0));
    const { placements, blocked } = decide({ classes: [classOf(...runs)], nodes: [load('a')], limit: 2 });
    expect(placements.map((placement) => placement.run.metadata.name)).toEqual(['r0', 'r1']);
    expect(blocked.size).toBe(0);
  });

  test('Runs of a suspended Task are held', () => {
    const held = { ...classOf(run('1', 0)), key: 'held', held: suspended };
    const { placements, blocked } = decide({ classes: [held], nodes: [load('a')], limit: 10 });
    expect(placements).toEqual([]);
    expect(blocked.get('held')?.reason).toBe('Suspended');
  });
});

describe('the explanation', () => {
  const messageOf = (wanted: Run, nodes: NodeLoad[]) =>
    [...decide({ classes: [classOf(wanted)], nodes, limit: 1 }).blocked.values()][0];

  test('names every node and why', () => {
    const nodes = [
      load('n1', { milliCores: 6000, memoryBytes: 0 }),
      load('n2', {}, 8, 'Unknown'),
      load('n3', {}, 4),
    ];
    expect(messageOf(run('r', 6), nodes)?.message).toBe(
      '0/3 nodes fit: n1: 2 of 8 cores free, needs 6; n2: not Ready (LeaseExpired); n3: has 4 cores, needs 6',
    );
  });

  test('of a target that does not exist, or that has no room', () => {
    expect(messageOf(run('r', 1, '0', 'x'), [load('b'), load('a')])?.message).toBe(
      'node x does not exist yet; nodes are: a, b',
    );
    expect(messageOf(run('r', 1, '0', 'x'), [])?.message).toBe(
      'node x does not exist yet; no node has joined',
    );
    expect(messageOf(run('r', 9, '0', 'a'), [load('a'), load('b')])?.message).toBe(
      '0/2 nodes fit: a: has 8 cores, needs 9; not the target: b',
    );
    expect(messageOf(run('r', 1), [])?.message).toBe('0/0 nodes fit: no node has joined yet');
  });

  test('keeps its signature while only amounts change, and changes it with the reason', () => {
    const at = (milliCores: number, ready: 'True' | 'Unknown' = 'True') =>
      messageOf(run('r', 6), [load('a', { milliCores, memoryBytes: 0 }, 8, ready)]);
    expect(at(4000)?.signature).toBe(at(5000)?.signature);
    expect(at(4000)?.message).not.toBe(at(5000)?.message);
    expect(at(4000)?.signature).not.toBe(at(4000, 'Unknown')?.signature);
  });
});
