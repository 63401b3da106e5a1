import { expect, test } from 'vitest';
import type { Condition } from '../api/index.ts';
import { type NodeFacts, nodeStatus } from './node-status.ts';

const works = { ready: true, reason: 'Works', message: 'ok', version: '20.10' };
const facts: NodeFacts = {
  settings: { reserved: { cores: 0.1, memoryBytes: 100 }, addresses: ['10.0.0.1'] },
  machine: { cores: 4, memoryBytes: 1000, versions: { kernel: '6.1' } },
  probes: [{ runtime: 'docker', probe: works }],
  quarantined: [],
  bootId: 'b',
  session: 's',
};
const broken = { ready: false, reason: 'EngineUnreachable', message: 'no answer' };
const of = (conditions: Condition[] | undefined, type: string) =>
  conditions?.find((each) => each.type === type);

test('shows the machine, what is kept back and what works', () => {
  expect(nodeStatus(facts, [], 0)).toMatchObject({
    capacity: { cores: 4, memory: 1000 },
    allocatable: { cores: 3.9, memory: 900 },
    runtimes: ['docker'],
    versions: { kernel: '6.1', docker: '20.10' },
    addresses: ['10.0.0.1'],
  });
});

test('a runtime that does not work is not offered; its condition says why and keeps its time while it does not change', () => {
  const first = nodeStatus({ ...facts, probes: [{ runtime: 'docker', probe: broken }] }, [], 1000);
  expect(first.runtimes).toEqual([]);
  expect(of(first.conditions, 'DockerReady')).toMatchObject({ status: 'False', reason: 'EngineUnreachable' });
  const probes = [{ runtime: 'docker' as const, probe: { ...broken, message: 'still no answer' } }];
  const later = nodeStatus({ ...facts, probes }, first.conditions ?? [], 9000);
  expect(of(later.conditions, 'DockerReady')).toMatchObject({
    message: 'still no answer',
    lastTransitionTime: '1970-01-01T00:00:01.000Z',
  });
});

test('quarantine comes, counts what does not fit a sentence, and goes', () => {
  expect(of(nodeStatus(facts, [], 0).conditions, 'Quarantined')).toBeUndefined();
  const quarantined = Array.from({ length: 12 }, (_, index) => `default/r${index}`);
  const during = nodeStatus({ ...facts, quarantined }, [], 0).conditions;
  expect(of(during, 'Quarantined')).toMatchObject({
    status: 'True',
    message: expect.stringContaining('and 2 more'),
  });
  expect(of(nodeStatus(facts, during ?? [], 0).conditions, 'Quarantined')).toMatchObject({ status: 'False' });
});

test('what the machine has is shown; what cannot be read is a condition, and the Node stays Ready', () => {
  const cpus = { online: '0-3', allocatable: '1-3', isolated: '', cores: ['0', '1', '2', '3'] };
  const topology = { cpus, numa: [], gpus: [], usage: [], problems: ['a is broken', 'b is gone'] };
  const shown = nodeStatus({ ...facts, topology }, [], 0);
  expect(shown).toMatchObject({ cpus, numa: [], gpus: [] });
  expect(of(shown.conditions, 'TopologyReady')).toMatchObject({
    ...{ status: 'False', reason: 'NotAllRead', message: 'a is broken; b is gone.' },
  });
  expect(of(shown.conditions, 'Ready')?.status).toBe('True');
  const well = nodeStatus({ ...facts, topology: { ...topology, problems: [] } }, [], 0);
  expect(of(well.conditions, 'TopologyReady')?.status).toBe('True');
  // Not read yet: what an earlier runner has written stays.
  expect(nodeStatus(facts, [], 0)).not.toHaveProperty('gpus');
});

test('what is known of environments: what the node has, how it takes them, whether the directory is shared', () => {
  const store = { ready: true, reason: 'LoadsMissingLayers', message: 'It does.' };
  const shared = { ready: false, reason: 'NotTheSame', message: 'Another one.' };
  const images = [{ name: 'py', digest: 'sha256:1' }];
  expect(of(nodeStatus(facts, [], 0).conditions, 'ImageStoreReady')).toBeUndefined();
  const status = nodeStatus({ ...facts, environments: { images, store, shared } }, [], 0);
  expect(status.images).toEqual(images);
  expect(of(status.conditions, 'ImageStoreReady')).toMatchObject({ status: 'True', reason: store.reason });
  expect(of(status.conditions, 'SharedDirReady')).toMatchObject({ status: 'False', reason: 'NotTheSame' });
  const before = status.conditions ?? [];
  const notYet = nodeStatus({ ...facts, environments: { images } }, before, 0).conditions;
  expect(of(notYet, 'SharedDirReady')).toBeUndefined();
  const unshared = nodeStatus({ ...facts, environments: { images, store } }, before, 0).conditions;
  expect(of(unshared, 'SharedDirReady')).toMatchObject({ status: 'Unknown', reason: 'NotShared' });
});

test('that it is cleaned up is the answer to its very fence, not to what a deleted Node had left', () => {
  const [deletedAt, fencedAt] = ['2026-11-22T10:00:00.000Z', '2026-11-22T11:00:00.000Z'];
  expect(nodeStatus({ ...facts, cleanedUpFor: deletedAt }, [], 0)).not.toHaveProperty('cleanedUpFor');
  expect(nodeStatus({ ...facts, fencedAt, cleanedUpFor: deletedAt }, [], 0)).not.toHaveProperty(
    'cleanedUpFor',
  );
  expect(nodeStatus({ ...facts, fencedAt, cleanedUpFor: fencedAt }, [], 0)).toMatchObject({
    cleanedUpFor: fencedAt,
  });
});
