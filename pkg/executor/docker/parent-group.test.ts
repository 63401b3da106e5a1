import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ParentGroups } from './parent-group.ts';

test('what the kernel has ended for want of memory: known of version 2, where groups count what is below them', async () => {
  const root = mkdtempSync(join(tmpdir(), 'river-groups-'));
  const groups = (version: 1 | 2) =>
    new ParentGroups({ root, clusterUid: 'c', driver: 'cgroupfs' as const, version });
  const events = (count: number) => {
    for (const folder of [join(root, 'river-c/u'), join(root, 'memory/river-c/u')]) {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'memory.events'), `low 0\nmax 12\noom 1\noom_kill ${count}\n`);
    }
  };
  try {
    expect(await groups(2).hasRunOut('u')).toBe(false);
    events(0);
    expect(await groups(2).hasRunOut('u')).toBe(false);
    events(2);
    expect(await groups(2).hasRunOut('u')).toBe(true);
    expect(await groups(1).hasRunOut('u')).toBe(false);
  } finally {
    rmSync(root, { recursive: true });
  }
});
