import { expect, test } from 'vitest';
import type { TaskSpec } from '../types.gen.ts';
import { executionHash, runName } from './hash.ts';

const spec: TaskSpec = {
  command: ['python', 'train.py'],
  args: ['--lr', '0.1'],
  image: 'python:3.12-slim',
  runtime: 'docker',
  targets: ['node1', 'node2'],
  nodeSelector: { gpu: 'a100' },
  resources: { cores: 4, memory: '8G' },
  env: { A: '1', B: '2' },
  mounts: ['/data:/data:ro'],
  workingDir: '/shared',
  privileged: false,
  timeout: '2h',
  ttlAfterFinished: '7d',
  suspend: false,
  stopped: false,
  rerun: '0',
};
const hash = (changes: Partial<TaskSpec> = {}) => executionHash({ ...spec, ...changes }).hash;

test('frozen: another hash of version 1 would run every stored Task again', () => {
  expect(executionHash(spec)).toEqual({ hash: 'e2185ac23d8db01fd7b5a8904bd94fba', version: 1 });
  expect(runName({ task: 'train', taskUid: '6b5a', revision: 3, ordinal: 1, attempt: 0 })).toBe(
    'train-89cb2468-1-0',
  );
});

test('what changes nothing that runs is not in it', () => {
  expect(
    hash({ suspend: true, stopped: true, rerun: '1', ttlAfterFinished: '1d', retry: { limit: 3 } }),
  ).toBe(hash());
});

test('other spellings and orders of one value are the same', () => {
  expect(hash({ env: { B: '2', A: '1' }, resources: { memory: '8000M', cores: 4.0 }, timeout: '120m' })).toBe(
    hash(),
  );
  expect(hash({ privileged: undefined })).toBe(hash());
  expect(hash({ env: {}, mounts: [] })).toBe(hash({ env: undefined, mounts: undefined }));
});

test('every field that a run is made of is in it', () => {
  const changes: Partial<TaskSpec>[] = [
    { command: ['python'] },
    { command: ['python', 'train.py', '--lr'], args: ['0.1'] },
    { args: ['0.1', '--lr'] },
    { script: '#!/bin/sh\n' },
    { image: 'python:3.13' },
    { runtime: 'process' },
    { targets: ['node2', 'node1'] },
    { nodeSelector: {} },
    { resources: { cores: 5, memory: '8G' } },
    { resources: { cores: 4, memory: '8Gi' } },
    { env: { A: '1', B: '3' } },
    { mounts: ['/data:/data'] },
    { workingDir: '/' },
    { privileged: true },
    { timeout: '3h' },
  ];
  const hashes = new Set([hash(), ...changes.map(hash)]);
  expect(hashes.size).toBe(changes.length + 1);
});

test('names differ by uid, revision, ordinal and attempt', () => {
  const base = { task: 'a', taskUid: 'u', revision: 1, ordinal: 0, attempt: 0 };
  const others = [{ taskUid: 'v' }, { revision: 2 }, { ordinal: 1 }, { attempt: 1 }].map((each) =>
    runName({ ...base, ...each }),
  );
  expect(new Set([runName(base), ...others]).size).toBe(5);
});
