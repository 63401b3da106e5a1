import { describe, expect, it } from 'vitest';
import type { ApiObject } from '../../api/index.ts';
import type { RiverError } from '../../base/index.ts';
import { applyOwned, updateOwned } from './ownership.ts';

type Parts = {
  labels?: Record<string, string>;
  finalizers?: string[];
  owners?: string[];
  spec?: object;
  status?: object;
};

function object({ labels, finalizers, owners, spec, status }: Parts): ApiObject {
  const ownerReferences = owners?.map((uid) => ({
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    name: 'o',
    uid,
  }));
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name: 'x', labels, finalizers, ownerReferences },
    spec,
    status,
  };
}

const apply = (
  live: ApiObject | undefined,
  manager: string,
  parts: Parts,
  more: { force?: boolean; now?: string } = {},
) => applyOwned(live, object(parts), { manager, now: more.now ?? 't1', force: more.force });

const put = (live: ApiObject | undefined, manager: string, next: ApiObject) =>
  updateOwned(live, next, { manager, now: 't1' });

/** manager/operation → its FieldsV1. */
const owners = (result: ApiObject) =>
  Object.fromEntries(
    (result.metadata.managedFields ?? []).map((entry) => [
      `${entry.manager}/${entry.operation}`,
      entry.fieldsV1,
    ]),
  );

function refusal(work: () => unknown): RiverError {
  try {
    work();
  } catch (error) {
    return error as RiverError;
  }
  return expect.fail('it was not refused');
}

describe('the first apply', () => {
  it('makes the object and owns every leaf that it names', () => {
    const made = apply(undefined, 'a', {
      labels: { l: '1' },
      spec: { command: ['x', 'y'], env: { A: '1' }, empty: {} },
    });
    expect(made.spec).toEqual({ command: ['x', 'y'], env: { A: '1' }, empty: {} });
    expect(made.metadata.managedFields).toEqual([
      {
        manager: 'a',
        operation: 'Apply',
        apiVersion: 'river.dev/v1',
        time: 't1',
        fieldsType: 'FieldsV1',
        fieldsV1: {
          'f:metadata': { 'f:labels': { 'f:l': {} } },
          'f:spec': { 'f:command': {}, 'f:empty': {}, 'f:env': { 'f:A': {} } },
        },
      },
    ]);
  });

  it('owns neither names nor status', () => {
    expect(owners(apply(undefined, 'a', { status: { phase: 'Failed' }, spec: { x: 1 } }))).toEqual({
      'a/Apply': { 'f:spec': { 'f:x': {} } },
    });
  });
});

describe('applying again', () => {
  it('changes nothing at all for the same configuration, not even a time', () => {
    const made = apply(undefined, 'a', { labels: { l: '1' }, spec: { env: { A: '1' } } });
    const again = apply(made, 'a', { labels: { l: '1' }, spec: { env: { A: '1' } } }, { now: 't2' });
    expect(again).toEqual(made);
  });

  it('removes what it does not name any more, and the map that it leaves empty', () => {
    const made = apply(undefined, 'a', { labels: { l: '1' }, spec: { x: 1, env: { A: '1', B: '2' } } });
    const next = apply(made, 'a', { spec: { x: 1, env: { B: '2' } } }, { now: 't2' });
    expect(next.metadata.labels).toBeUndefined();
    expect(next.spec).toEqual({ x: 1, env: { B: '2' } });
    expect(next.metadata.managedFields?.[0]?.time).toBe('t2');
  });

  it('keeps what nobody owns: defaults', () => {
    const made = apply(undefined, 'a', { spec: { x: 1 } });
    const defaulted = { ...made, spec: { x: 1, resources: { cores: 1 } } };
    expect(apply(defaulted, 'a', { spec: { x: 2 } }).spec).toEqual({ x: 2, resources: { cores: 1 } });
  });

  it('replaces a list as a whole', () => {
    const made = apply(undefined, 'a', { spec: { args: ['1', '2'] } });
    expect(apply(made, 'a', { spec: { args: ['2'] } }).spec).toEqual({ args: ['2'] });
  });

  it('turns a map into an empty one and back', () => {
    const made = apply(undefined, 'a', { spec: { env: { A: '1' } } });
    const empty = apply(made, 'a', { spec: { env: {} } });
    expect(empty.spec).toEqual({ env: {} });
    expect(apply(empty, 'a', { spec: { env: { A: '1' } } }).spec).toEqual({ env: { A: '1' } });
  });

  it('turns a scalar into a map and back', () => {
    const made = apply(undefined, 'a', { spec: { x: 1 } });
    const map = apply(made, 'a', { spec: { x: { y: 1 } } });
    expect(map.spec).toEqual({ x: { y: 1 } });
    expect(apply(map, 'a', { spec: { x: 2 } }).spec).toEqual({ x: 2 });
  });

  it('leaves an owner of nothing out', () => {
    const made = apply(apply(undefined, 'a', { spec: { x: 1 } }), 'b', { spec: { y: 1 } });
    expect(Object.keys(owners(apply(made, 'b', {})))).toEqual(['a/Apply']);
  });
});

describe('two managers', () => {
  it('meet in a conflict with a cause for each field, and nothing is changed', () => {
    const made = apply(undefined, 'a', { labels: { l: '1' }, spec: { x: 1, y: 1 } });
    const error = refusal(() => apply(made, 'b', { labels: { l: '2' }, spec: { x: 2, y: 1 } }));
    expect(error.code).toBe('Conflict');
    expect(error.message).toContain('2 conflicts');
    expect(error.details.causes).toEqual([
      { reason: 'FieldManagerConflict', field: '.metadata.labels.l', message: 'conflict with "a"' },
      { reason: 'FieldManagerConflict', field: '.spec.x', message: 'conflict with "a"' },
    ]);
  });

  it('share equal values; one leaving keeps the field, the last one leaving removes it', () => {
    const both = apply(apply(undefined, 'a', { spec: { x: 1, z: 1 } }), 'b', { spec: { x: 1 } });
    expect(owners(both)).toEqual({
      'a/Apply': { 'f:spec': { 'f:x': {}, 'f:z': {} } },
      'b/Apply': { 'f:spec': { 'f:x': {} } },
    });
    const one = apply(both, 'a', { spec: { z: 1 } });
    expect(one.spec).toEqual({ x: 1, z: 1 });
    expect(apply(one, 'b', {}).spec).toEqual({ z: 1 });
  });

  it('conflict also when the value is shared and one of them changes it', () => {
    const both = apply(apply(undefined, 'a', { spec: { x: 1 } }), 'b', { spec: { x: 1 } });
    expect(refusal(() => apply(both, 'a', { spec: { x: 2 } })).details.causes?.[0]?.message).toBe(
      'conflict with "b"',
    );
  });

  it('change owner by force', () => {
    const made = apply(undefined, 'a', { spec: { x: 1, y: 1 } });
    const taken = apply(made, 'b', { spec: { x: 2 } }, { force: true });
    expect(taken.spec).toEqual({ x: 2, y: 1 });
    expect(owners(taken)).toEqual({
      'a/Apply': { 'f:spec': { 'f:y': {} } },
      'b/Apply': { 'f:spec': { 'f:x': {} } },
    });
  });

  it('own different keys of one map, and only their own are pruned', () => {
    const both = apply(apply(undefined, 'a', { labels: { a: '1' } }), 'b', { labels: { b: '1' } });
    expect(both.metadata.labels).toEqual({ a: '1', b: '1' });
    expect(apply(both, 'a', {}).metadata.labels).toEqual({ b: '1' });
  });
});

describe('lists with keys', () => {
  it('merge finalizers as a set', () => {
    const both = apply(apply(undefined, 'a', { finalizers: ['f1'] }), 'b', { finalizers: ['f2', 'f1'] });
    expect(both.metadata.finalizers).toEqual(['f1', 'f2']);
    expect(owners(both)['b/Apply']).toEqual({
      'f:metadata': { 'f:finalizers': { 'v:"f1"': {}, 'v:"f2"': {} } },
    });
    expect(apply(both, 'b', {}).metadata.finalizers).toEqual(['f1']);
  });

  it('merge ownerReferences by uid', () => {
    const both = apply(apply(undefined, 'a', { owners: ['u1'] }), 'b', { owners: ['u2'] });
    expect(both.metadata.ownerReferences?.map((owner) => owner.uid)).toEqual(['u1', 'u2']);
    expect(owners(both)['a/Apply']).toMatchObject({
      'f:metadata': { 'f:ownerReferences': { 'k:{"uid":"u1"}': { '.': {}, 'f:name': {} } } },
    });
    const left = apply(both, 'a', {});
    expect(left.metadata.ownerReferences?.map((owner) => owner.uid)).toEqual(['u2']);
  });
});

describe('a replace or patch', () => {
  const live = apply(undefined, 'a', { spec: { x: 1, y: 1, env: { A: '1' } } });

  it('takes what it changes from whoever owned it', () => {
    const next = put(live, 'kubectl', { ...live, spec: { x: 2, y: 1, env: { A: '1', B: '2' } } });
    expect(owners(next)).toEqual({
      'a/Apply': { 'f:spec': { 'f:y': {}, 'f:env': { 'f:A': {} } } },
      'kubectl/Update': { 'f:spec': { 'f:x': {}, 'f:env': { 'f:B': {} } } },
    });
    const error = refusal(() => apply(next, 'a', { spec: { x: 1, y: 1, env: { A: '1' } } }));
    expect(error.details.causes).toEqual([
      {
        reason: 'FieldManagerConflict',
        field: '.spec.x',
        message: 'conflict with "kubectl" using river.dev/v1',
      },
    ]);
  });

  it('frees what it removes', () => {
    const next = put(live, 'kubectl', { ...live, spec: { x: 1, env: { A: '1' } } });
    expect(owners(next)).toEqual({ 'a/Apply': { 'f:spec': { 'f:x': {}, 'f:env': { 'f:A': {} } } } });
    expect(apply(next, 'a', { spec: { x: 1, y: 3, env: { A: '1' } } }).spec).toEqual({
      x: 1,
      y: 3,
      env: { A: '1' },
    });
  });

  it('that changes nothing leaves every owner and every time', () => {
    const next = updateOwned(live, { ...live }, { manager: 'kubectl', now: 't9' });
    expect(next.metadata.managedFields).toEqual(live.metadata.managedFields);
  });

  it('and an apply of the same name are two owners', () => {
    const next = put(live, 'a', { ...live, spec: { x: 2, y: 1, env: { A: '1' } } });
    expect(Object.keys(owners(next))).toEqual(['a/Apply', 'a/Update']);
    expect(refusal(() => apply(next, 'a', { spec: { x: 1, y: 1, env: { A: '1' } } })).code).toBe('Conflict');
  });

  it('changes neither argument', () => {
    const before = structuredClone(live);
    put(live, 'kubectl', { ...live, spec: { x: 5 } });
    apply(live, 'b', { spec: { x: 5 } }, { force: true });
    expect(live).toEqual(before);
  });
});
