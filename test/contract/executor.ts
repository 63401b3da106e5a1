import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect } from 'vitest';
import { cpuTests, figureTests, pauseTests, stopTests } from './executor-control.ts';
import { endTests } from './executor-ends.ts';
import type { ExecutorSetting } from './executor-setting.ts';
import { startTests } from './executor-starts.ts';
import { ExecutorTrial } from './executor-trial.ts';

/** What every `Executor` must do, on a real machine. `leaveOut`: why this machine cannot have it. */
export function executorContract(name: string, setting: ExecutorSetting, leaveOut = false): void {
  describe.skipIf(leaveOut)(`${name} as an Executor`, () => {
    const trial = new ExecutorTrial(setting);
    describe('ends', () => endTests(trial));
    describe('starts', () => startTests(trial));
    describe('a stop', () => stopTests(trial));
    describe('a pause', () => pauseTests(trial));
    // Control groups of containers are the engine's: only root reads them.
    describe.skipIf(setting.kind === 'docker' && !setting.isRoot)('figures', () => figureTests(trial));
    describe('CPUs', () => cpuTests(trial));
    afterAll(async () => {
      await trial.close();
      const group = `river-${setting.clusterUid.slice(0, 12)}`;
      for (const hierarchy of ['memory', 'cpuacct', 'cpu', 'cpuset', 'freezer', 'unified', ''])
        expect(existsSync(join('/sys/fs/cgroup', hierarchy, group))).toBe(false);
    });
  });
}
