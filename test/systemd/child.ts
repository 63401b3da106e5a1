/**
 * A runner's executor in a process of its own, before and after a reboot.
 *   node child.ts begin STATE_DIR BOOT_ID SPEC_JSON    starts one run and ends
 *   node child.ts list STATE_DIR BOOT_ID SPEC_JSON     prints the probe and what the machine knows
 */
import { type RiverError, realClock, silentLogger } from '../../pkg/base/index.ts';
import type { ExecutionSpec } from '../../pkg/executor/index.ts';
import { systemdExecutor } from '../../pkg/executor/systemd/index.ts';

const [verb = '', stateDir = '', bootId = '', text = ''] = process.argv.slice(2);
const spec = JSON.parse(text) as ExecutionSpec;
const executor = systemdExecutor({
  stateDir,
  clusterUid: spec.clusterUid,
  clock: realClock,
  logger: silentLogger,
  bootId: () => bootId,
  baseEnv: { PATH: '/usr/bin:/bin' },
  isRoot: true,
  stopGraceMs: 2000,
  answerWithinMs: 3000,
});
await executor.probe();
if (verb === 'begin') await executor.start(spec);
const known = await executor.list().catch((error: RiverError) => ({ error: error.code }));
process.stdout.write(JSON.stringify({ probe: await executor.probe(), known }));
await executor.close();
