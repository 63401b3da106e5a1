import { expect, it } from 'vitest';
import { apiVersion } from '../../api/index.ts';
import { applyJsonPatch } from './json-patch.ts';

const target = { apiVersion, kind: 'Task', metadata: { name: 'a', annotations: { a: 'b' } } };

it('applies operations in order and leaves its argument alone', () => {
  const patched = applyJsonPatch(target, [
    { op: 'copy', from: '/metadata/annotations/a', path: '/metadata/annotations/c' },
    { op: 'replace', path: '/metadata/annotations/a', value: 'd' },
  ]);
  expect(patched.metadata.annotations).toEqual({ a: 'd', c: 'b' });
  expect(target.metadata.annotations).toEqual({ a: 'b' });
});

it('refuses copies that double each time before they fill the memory', () => {
  const bomb = Array.from({ length: 60 }, (_, index) => ({
    op: 'copy',
    from: '/metadata/annotations',
    path: `/metadata/annotations/x${index}`,
  }));
  expect(() => applyJsonPatch(target, bomb)).toThrow(
    expect.objectContaining({ code: 'RequestEntityTooLarge' }),
  );
});

it.each([
  [[{ op: 'add', path: '/__proto__/polluted', value: 1 }]],
  [[{ op: 'add', path: '/constructor/prototype/polluted', value: 1 }]],
  [[{ op: 'copy', from: '/nothing', path: '/x' }]],
  [[{ op: 'test', path: '/metadata/name', value: 'b' }]],
  [[null]],
  [[{ op: 'copy', path: '/x' }]],
])('refuses as a whole what does not apply: %j', (operations) => {
  expect(() => applyJsonPatch(target, operations)).toThrow(expect.objectContaining({ code: 'Invalid' }));
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});
