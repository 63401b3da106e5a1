/**
 * Starts one run and stays: the tests kill this process at any moment.
 *   node executor-child.ts SETTING_JSON SPEC_JSON
 */
import type { ExecutionSpec } from '../../pkg/executor/index.ts';
import { type ExecutorSetting, openExecutor } from './executor-setting.ts';

const [setting = '', spec = ''] = process.argv.slice(2);
const executor = openExecutor(JSON.parse(setting) as ExecutorSetting);
await executor.probe();
process.stdout.write('ready\n');
await executor.start(JSON.parse(spec) as ExecutionSpec);
process.stdout.write('started\n');
setInterval(() => {}, 60_000);
