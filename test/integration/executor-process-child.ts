/**
 * Starts one run and stays: the tests kill this process at any moment.
 *   node executor-process-child.ts STATE_DIR BOOT_ID SPEC_JSON
 */
import { realClock, silentLogger } from '../../pkg/base/index.ts';
import type { ExecutionSpec } from '../../pkg/executor/index.ts';
import { processExecutor } from '../../pkg/executor/process/index.ts';

const [stateDir = '', bootId = '', text = ''] = process.argv.slice(2);
const spec = JSON.parse(text) as ExecutionSpec;
const executor = processExecutor({
  stateDir,
  clusterUid: spec.clusterUid,
  clock: realClock,
  logger: silentLogger,
  bootId: () => bootId,
  baseEnv: { PATH: '/usr/bin:/bin' },
});
await executor.probe();
process.stdout.write('ready\n');
await executor.start(spec);
process.stdout.write('started\n');
setInterval(() => {}, 60_000);
