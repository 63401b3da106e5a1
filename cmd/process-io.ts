import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname } from 'node:path';
import { realClock, realRng } from '../pkg/base/index.ts';
import type { CliIo, Output, Terminal } from '../pkg/cli/index.ts';

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
    terminal: process.stdin.isTTY && process.stdout.isTTY ? terminal() : undefined,
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    clock: realClock,
    rng: realRng,
    signal: stopSignal(),
  };
}

function terminal(): Terminal {
  const { stdin, stdout } = process;
  // Of the signals that end a program, Node itself undoes what was done to the terminal for all but this one.
  const onHangUp = () => process.exit(129);
  return {
    size: () => ({ columns: stdout.columns, rows: stdout.rows }),
    onResize(changed) {
      stdout.on('resize', changed);
      return () => stdout.off('resize', changed);
    },
    setRaw(raw) {
      stdin.setRawMode(raw);
      if (raw) {
        // Node goes on making CR LF of LF, by which full-screen programs mean: one line down.
        spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
        process.on('SIGHUP', onHangUp);
      } else process.off('SIGHUP', onHangUp);
    },
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
