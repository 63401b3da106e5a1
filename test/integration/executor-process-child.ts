/**
 * Starts one run and stays: the tests kill this process at any moment.
 *   node executor-process-child.ts STATE_DIR BOOT_ID SPEC_JSON
 */
import { realClock, silentLogger } from '../../pkg/base/index.ts';
import type { ExecutionSpec } from '../../pkg/executor/index.ts';
import { processExecutor } from '../../pkg/executor/process/index.ts';

const [stateDir = '', bootId = '', spec = ''] = process.argv.slice(2);
const executor = processExecutor({
  stateDir,
  clusterUid: 'feedc0de-1111-4222-8333-444455556666',
  clock: realClock,
  logger: silentLogger,
  bootId: () => bootId,
  baseEnv: { PATH: '/usr/bin:/bin' },
});
await executor.probe();
process.stdout.write('ready\n');
await executor.start(JSON.parse(spec) as ExecutionSpec);
process.stdout.write('started\n');
setInterval(() => {}, 60_000);
