/**
 * Starts one container and stays: the tests kill this process at any moment.
 *   node executor-docker-child.ts SOCKET STATE_DIR SPEC_JSON
 */
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { dockerExecutor } from '../../pkg/executor/docker/index.ts';
import type { ExecutionSpec } from '../../pkg/executor/index.ts';

const [socketPath = '', stateDir = '', text = ''] = process.argv.slice(2);
const spec = JSON.parse(text) as ExecutionSpec;
const executor = dockerExecutor({
  ...{
    socketPath,
    stateDir,
    clusterUid: spec.clusterUid,
    clock: realClock,
    rng: realRng,
    logger: silentLogger,
    count: () => {},
  },
  bootId: () => 'this-boot',
  isRoot: process.getuid?.() === 0,
});
await executor.probe();
process.stdout.write('ready\n');
await executor.start(spec);
process.stdout.write('started\n');
