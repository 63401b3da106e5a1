import { defineConfig } from 'vitest/config';

/** One project a kind of test; `test/run.ts` runs them in order and adds up the counts. */
const project = (name: string, include: string[], more: object = {}) => ({
  test: { name, include, environment: 'node', testTimeout: 60_000, hookTimeout: 180_000, ...more },
});

export default defineConfig({
  test: {
    projects: [
      project('unit', ['pkg/**/*.test.ts', 'cmd/**/*.test.ts', 'test/house/**/*.test.ts'], {
        testTimeout: 20_000,
      }),
      project('contract', ['test/contract/**/*.test.ts']),
      project('sim', ['test/sim/**/*.test.ts'], { testTimeout: 600_000 }),
      project('integration', ['test/integration/**/*.test.ts'], {
        testTimeout: 120_000,
        fileParallelism: false,
      }),
      // Run by test/integration/executor-systemd.test.ts, on a machine whose PID 1 is systemd.
      project('systemd', ['test/systemd/**/*.test.ts'], { testTimeout: 120_000, fileParallelism: false }),
      project('e2e', ['test/e2e/**/*.test.ts'], { testTimeout: 180_000, fileParallelism: false }),
    ],
  },
});
