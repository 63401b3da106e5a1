/**
 * Waits until the run of tests that has started it is over, which closes its standard input whatever ends it. Then it
 * ends the engines in the run's folder, and what tests that were interrupted have left.
 *   node test/env/guard.ts FOLDER BUNDLES
 */
import { once } from 'node:events';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { stopEngineIn } from './engine.ts';
import { removeRemains } from './remains.ts';

const [folder = '', bundles = ''] = process.argv.slice(2);
const engines = () => readdirSync(folder).filter((name) => name.startsWith('river-engine-'));

await once(process.stdin.resume(), 'end');
// A worker that has not heard of the end yet may start one more.
for (let left = engines(); left.length > 0; left = engines())
  await Promise.all(left.map((name) => stopEngineIn(join(folder, name))));
await removeRemains(folder);
for (const each of [folder, bundles]) rmSync(each, { recursive: true, force: true, maxRetries: 5 });
