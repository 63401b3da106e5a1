import { addAbortSignal, type Readable } from 'node:stream';
import type { ShellProcess } from '../../shell/index.ts';
import type { Context } from '../context.ts';
import { Interrupted } from '../errors.ts';
import type { CliIo, Terminal } from '../io.ts';
import { environmentName } from '../naming/object-args.ts';

export interface ShellFlags {
  /** Left out: a terminal when this program has one. */
  tty?: boolean;
}

/** Normal screen, visible cursor, no mouse and no marks around what is pasted: a program that was cut off undoes nothing. */
const soberTerminal = '\x1b[?1047l\x1b[!p\x1b[?1000;1002;1003;1006;2004l\r\n';

/** Its exit code is that of the program. */
export async function shell(
  context: Context,
  target: string,
  command: readonly string[],
  flags: ShellFlags,
): Promise<number> {
  const name = environmentName([target], 'river shell env/py');
  const { io } = context;
  const tty = flags.tty ?? io.terminal !== undefined;
  const { client } = await context.connect();
  const streams = { tty, stdin: true, stdout: true, stderr: !tty };
  const size = tty ? io.terminal?.size() : undefined;
  const ended = new AbortController();
  try {
    const remote = await client.openShell(name, { command, ...streams, term: io.env.TERM, size }, io.signal);
    void copyInput(io.stdin, remote, ended.signal);
    return await (tty && io.terminal ? inTerminal(io, io.terminal, remote) : untilEnded(io, remote));
  } catch (error) {
    throw io.signal.aborted ? new Interrupted() : error;
  } finally {
    ended.abort();
  }
}

/** Every key goes to the other side, Ctrl-C among them, and the size follows. However it ends, the terminal is as before. */
async function inTerminal(io: CliIo, terminal: Terminal, remote: ShellProcess): Promise<number> {
  const tellSize = () => remote.resize(terminal.size());
  const stopTelling = terminal.onResize(tellSize);
  // It may have changed while the connection was made.
  tellSize();
  terminal.setRaw(true);
  let isWhole = false;
  try {
    const exitCode = await untilEnded(io, remote);
    isWhole = true;
    return exitCode;
  } finally {
    stopTelling();
    terminal.setRaw(false);
    if (!isWhole) await io.stderr.write(soberTerminal);
  }
}

/** The exit code, when all output is written. */
async function untilEnded({ stdout, stderr }: CliIo, remote: ShellProcess): Promise<number> {
  try {
    for await (const { stream, data } of remote.output)
      await (stream === 'stdout' ? stdout : stderr).write(data);
    return await remote.exitCode();
  } finally {
    await remote.hangUp();
  }
}

/** Lets go of the input when the program has ended: nothing waits for a key that nobody wants. */
async function copyInput(stdin: Readable, remote: ShellProcess, ended: AbortSignal): Promise<void> {
  try {
    for await (const chunk of addAbortSignal(ended, stdin)) await remote.write(chunk as Uint8Array);
  } catch {
    // Ended here, or its terminal has gone: either way nothing more comes.
  }
  remote.endInput();
}
