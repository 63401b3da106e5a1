import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { realClock, realRng } from '../pkg/base/index.ts';
import type { CliIo, Output } from '../pkg/cli/index.ts';

/** What a command line program sees of its process. */
export function processIo(): CliIo {
  return {
    env: process.env,
    cwd: process.cwd(),
    homeDir: homedir(),
    isRoot: process.getuid?.() === 0,
    nodePath: process.execPath,
    programFolder: dirname(realpathSync(process.argv[1] ?? '.')),
    stdin: process.stdin,
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    clock: realClock,
    rng: realRng,
    signal: stopSignal(),
  };
}

/** A reader that has gone (`river get … | head`) ends the program quietly, as it does with every other tool. */
function outputOf(stream: NodeJS.WriteStream): Output {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    isTerminal: stream.isTTY === true,
    write: (data) => new Promise((resolve) => stream.write(data, () => resolve())),
  };
}

/** The first Ctrl-C lets the command end in order; the second one ends it at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  const onSignal = () => {
    if (stop.signal.aborted) process.exit(130);
    stop.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return stop.signal;
}
