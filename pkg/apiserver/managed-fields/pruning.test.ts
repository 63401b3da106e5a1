import { expect, it } from 'vitest';
import { applyOwned } from './ownership.ts';

const manifest = (spec: object) => ({
  apiVersion: 'river.dev/v1',
  kind: 'Task',
  metadata: { name: 'a' },
  spec,
});
const river = { manager: 'river', now: '2026-01-01T00:00:00.000Z' };

it('takes away what the manager applied before and does not name any more, also inside of a map', () => {
  const first = applyOwned(
    undefined,
    manifest({ image: 'busybox', resources: { cores: 1, memory: '1Gi' } }),
    river,
  );
  const second = applyOwned(first, manifest({ resources: { cores: 1 } }), river);
  expect(second.spec).toEqual({ resources: { cores: 1 } });
});

it('leaves what others own', () => {
  const first = applyOwned(undefined, manifest({ image: 'busybox' }), river);
  const shared = applyOwned(first, manifest({ image: 'busybox', timeout: '1m' }), {
    ...river,
    manager: 'other',
  });
  expect(applyOwned(shared, manifest({ command: ['x'] }), river).spec).toEqual({
    image: 'busybox',
    timeout: '1m',
    command: ['x'],
  });
});
