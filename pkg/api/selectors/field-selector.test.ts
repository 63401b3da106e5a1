import { expect, test } from 'vitest';
import { exactField, matchesFields, parseFieldSelector } from './field-selector.ts';

const run = {
  apiVersion: 'river.dev/v1',
  kind: 'Run',
  metadata: { name: 'a', namespace: 'lab' },
  spec: { task: 't', placement: { node: 'n1' } },
  status: { phase: 'Running' },
};

test.each([
  ['', true],
  ['metadata.name=a', true],
  ['metadata.name==a,metadata.namespace=lab', true],
  ['spec.placement.node=n1', true],
  ['spec.placement.node=n2', false],
  ['status.phase!=Running', false],
  ['status.phase!=Pending , spec.task=t', true],
  ['spec.placement.node=', false],
])('%s → %s', (text, expected) => {
  expect(matchesFields(parseFieldSelector('Run', text), run)).toBe(expected);
});

test('what is not there is empty', () => {
  const unbound = { ...run, spec: { task: 't' } };
  expect(matchesFields(parseFieldSelector('Run', 'spec.placement.node='), unbound)).toBe(true);
});

test('the value that an index can answer', () => {
  const selector = parseFieldSelector('Run', 'spec.placement.node=n1,status.phase!=Lost');
  expect(exactField(selector, 'spec.placement.node')).toBe('n1');
  expect(exactField(selector, 'status.phase')).toBeUndefined();
});

test('other paths are refused with the ones there are', () => {
  expect(() => parseFieldSelector('Run', 'spec.placement.nod=a')).toThrow(
    'did you mean spec.placement.node?',
  );
  expect(() => parseFieldSelector('Node', 'spec.task=a')).toThrow(
    'there are metadata.name, metadata.namespace',
  );
  expect(() => parseFieldSelector('Event', 'involvedObject.uid=1,reason=x,type=Normal')).not.toThrow();
  expect(() => parseFieldSelector('Run', 'metadata.name')).toThrow('write path=value or path!=value');
});
