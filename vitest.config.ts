import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/env/longest-first.ts';

/** One project a kind of test; `test/run.ts` runs them in order and adds up the counts. */
const project = (name: string, include: string[], more: object = {}) => ({
  test: {
    name,
    include,
    environment: 'node',
    globalSetup: ['test/env/vitest-setup.ts'],
    testTimeout: 60_000,
    hookTimeout: 180_000,
    ...more,
  },
});

/**
 * Two files at a time, each worker with an engine of its own; one where an engine is given, as two hosts on one collect
 * each other's images. Apart from other projects, which use all cores.
 */
const withEngines = (groupOrder: number) => ({
  maxWorkers: process.env.RIVER_TEST_DOCKER_SOCKET === undefined ? 2 : 1,
  sequence: { groupOrder },
});

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit', ['pkg/**/*.test.ts', 'cmd/**/*.test.ts', 'test/house/**/*.test.ts'], {
        testTimeout: 20_000,
      }),
      project('contract', ['test/contract/**/*.test.ts']),
      project('sim', ['test/sim/**/*.test.ts'], { testTimeout: 600_000 }),
      project('integration', ['test/integration/**/*.test.ts'], { testTimeout: 120_000, ...withEngines(1) }),
      // Run by test/integration/executor-systemd.test.ts, on a machine whose PID 1 is systemd.
      project('systemd', ['test/systemd/**/*.test.ts'], { testTimeout: 120_000, fileParallelism: false }),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 180_000, ...withEngines(2) }),
    ],
  },
});
