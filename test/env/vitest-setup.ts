/**
 * Global set-up of every project. All temporary files of the run are in one folder, engines too (see engine.ts), and
 * bundles in another. A program of its own ends what has its files there, also when the run is killed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { bundle, root } from './bundle.ts';
import { runFolderVariable } from './engine.ts';

/** Projects whose tests run the programs of River. */
const ofPrograms = ['e2e', 'systemd'];

export default async function setup({ name }: { name: string }): Promise<() => Promise<void>> {
  // For the first project only, where there are several in one run.
  const end = process.env[runFolderVariable] === undefined ? begin() : async () => {};
  if (ofPrograms.includes(name)) await bundle(join(process.env.RIVER_TEST_BUNDLES ?? '', 'programs'));
  return end;
}

/** Answers how to end it. */
function begin(): () => Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'river-tests-'));
  // They find their packages beside them.
  const bundles = join(root, '.cache', basename(folder));
  const guard = spawn(process.execPath, [join(import.meta.dirname, 'guard.ts'), folder, bundles], {
    // Ctrl-C in a terminal is not for it.
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(guard, 'exit');
  Object.assign(process.env, { TMPDIR: folder, [runFolderVariable]: folder, RIVER_TEST_BUNDLES: bundles });
  return async () => {
    guard.stdin.end();
    await ended;
  };
}
