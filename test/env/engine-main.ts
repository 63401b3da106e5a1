/**
 * One engine for a whole test run, with the test image in it.
 *   node test/env/engine-main.ts start        prints {"socketPath":…,"folder":…,"pid":…}
 *   node test/env/engine-main.ts stop JSON    ends what start printed
 */
import { makeTestImage, type OwnEngine, startEngine, stopEngine } from './engine.ts';

const [verb, printed = ''] = process.argv.slice(2);
if (verb === 'start') {
  const engine = await startEngine();
  await makeTestImage(engine.socketPath);
  process.stdout.write(`${JSON.stringify(engine)}\n`);
} else if (verb === 'stop') {
  await stopEngine(JSON.parse(printed) as OwnEngine);
} else {
  process.stderr.write('usage: engine-main.ts start | stop JSON\n');
  process.exitCode = 2;
}
