import { basename } from 'node:path';
import { expect, test } from 'vitest';
import { environmentNameLimit } from '../../api/index.ts';
import { imageTag, shortCluster } from '../../environment/index.ts';
import { partialFile } from '../tarballs/tarballs.ts';
import { markTag, readBaseName, readMark, readStateTag } from './image-names.ts';
import { clusterOfStep, stepLabel } from './labels.ts';

const cluster = shortCluster('0b2c6f0e-9d1a-4f5b-8a33-5a6f2f1c7e90');
const digest = `sha256:${'0123456789ab'.repeat(5)}0123`;

test('marks are read as they are written, and nothing else is one', () => {
  expect(readMark(markTag(cluster, 'py', digest))).toEqual({ cluster, name: 'py', short: '0123456789ab' });
  expect(readStateTag(imageTag('py', digest))).toEqual({ name: 'py', short: '0123456789ab' });
  for (const tag of [imageTag('py', digest), 'river-cluster/py:0123456789ab', 'river-cluster/c/py:1'])
    expect(readMark(tag)).toBeUndefined();
  for (const tag of [markTag(cluster, 'py', digest), 'river/py:latest', 'mine/river/py:0123456789ab'])
    expect(readStateTag(tag)).toBeUndefined();
});

test('of a name or label from before there were marks nobody says whose it is', () => {
  expect(readBaseName('river-base:0123456789ab')).toEqual({ tag: 'river-base:0123456789ab' });
  expect(readBaseName(`river-base:0123456789ab-${cluster}`)?.cluster).toBe(cluster);
  expect(readBaseName('river-base:mine')).toBeUndefined();
  expect([clusterOfStep(stepLabel(cluster, 'key')), clusterOfStep('key')]).toEqual([cluster, undefined]);
});

test('the longest name of an Environment leaves room for the mark', () => {
  const name = 'e'.repeat(environmentNameLimit);
  // Of a repository, with the registry that engines put before it; of a file.
  expect(`docker.io/${markTag(cluster, name, digest)}`.split(':')[0]?.length).toBeLessThanOrEqual(255);
  expect(basename(partialFile({ directory: '/x', cluster }, { name, digest })).length).toBeLessThanOrEqual(
    255,
  );
});
