import { expect, it } from 'vitest';
import { FieldSet, fromFieldsV1, printPath, toFieldsV1 } from './field-set.ts';

const paths = [
  ['f:spec', 'f:env', 'f:A'],
  ['f:spec', 'f:env'],
  ['f:status', 'f:conditions', 'k:{"type":"Ready"}'],
  ['f:status', 'f:conditions', 'k:{"type":"Ready"}', 'f:reason'],
  ['f:metadata', 'f:finalizers', 'v:"a.b/c"'],
];

it('survives the way to the wire and back', () => {
  const set = FieldSet.of(paths);
  expect(fromFieldsV1(JSON.parse(JSON.stringify(toFieldsV1(set)))).equals(set)).toBe(true);
});

it('marks inner nodes that are members with a dot', () => {
  expect(toFieldsV1(FieldSet.of(paths.slice(0, 2)))).toEqual({
    'f:spec': { 'f:env': { '.': {}, 'f:A': {} } },
  });
});

it('prints paths as Kubernetes does', () => {
  expect(paths.map(printPath)).toEqual([
    '.spec.env.A',
    '.spec.env',
    '.status.conditions[type="Ready"]',
    '.status.conditions[type="Ready"].reason',
    '.metadata.finalizers[="a.b/c"]',
  ]);
});
