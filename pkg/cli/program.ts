import { Command, CommanderError, Option } from 'commander';
import type { Connection, Context, GlobalFlags } from './context.ts';
import { describeError, exitCodeOf, Interrupted, UsageError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { addChangeCommands } from './flags/change.ts';
import { addEnvironmentCommands } from './flags/environments.ts';
import { addMachineCommands } from './flags/machines.ts';
import { addNodeCommands } from './flags/nodes.ts';
import { addShowCommands } from './flags/show.ts';
import type { CliIo } from './io.ts';

/** What the program needs from outside: `cmd/river` passes the real ones. */
export interface CliParts {
  io: CliIo;
  version: string;
  /** Left out: over HTTP, as the config file says. */
  connect?(flags: GlobalFlags): Promise<Connection>;
  /** `river dev`: host and runner in this process, until the signal aborts. Answers the exit code. */
  dev(flags: DevFlags): Promise<number>;
}

export interface DevFlags {
  stateDir?: string;
  port?: string;
  config?: string;
}

/** Runs an action with its context and keeps its exit code. */
export type Act = (command: Command, action: (context: Context) => Promise<number>) => Promise<void>;

/** They end by themselves when they are told to; everything else is cut short. */
const endInOrder: readonly string[] = ['dev', 'shell'];

/** Parses `words` (without program and script), does what they say, and answers the exit code. Never throws. */
export async function runCli(words: readonly string[], parts: CliParts): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const act: Act = async (command, action) => {
    const opened: Promise<Connection>[] = [];
    try {
      const result = action(contextOf(command, parts, opened));
      exitCode = await (endInOrder.includes(command.name())
        ? result
        : unlessInterrupted(parts.io.signal, result));
    } finally {
      for (const connection of opened) await connection.then((each) => each.close()).catch(() => {});
    }
  };
  try {
    await buildProgram(parts, act).parseAsync([...words], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.invalid;
    const text = describeError(error);
    if (text) await parts.io.stderr.write(`${text}\n`);
    return exitCodeOf(error);
  }
}

/** Ctrl-C ends also a command that waits for an answer. */
function unlessInterrupted(signal: AbortSignal, action: Promise<number>): Promise<number> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Interrupted()), { once: true });
    action.then(resolve, reject);
  });
}

function buildProgram(parts: CliParts, act: Act): Command {
  const { io } = parts;
  const program = new Command('river')
    .description('A few Linux machines as one computer: apply manifests, see what runs, read its output.')
    .option(
      '--config <file>',
      'file with the address and the token of the host (default: $RIVER_CONFIG, else ~/.river/config)',
    )
    .option('--context <name>', 'which context of that file')
    .addOption(
      new Option('-n, --namespace <name>', 'namespace (default: the one of the context, else default)'),
    )
    .version(
      `river ${parts.version}`,
      '--version',
      'version of this program (with that of the host: river version)',
    )
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(river help COMMAND shows what there is)')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'river: ')),
    });
  addChangeCommands(program, act);
  addEnvironmentCommands(program, act);
  addShowCommands(program, act);
  addNodeCommands(program, act);
  addMachineCommands(program, act);
  program
    .command('dev')
    .description('Host and runner in one process on this machine, until Ctrl-C; writes ~/.river/config.')
    .option('--state-dir <folder>', 'where everything is kept (default: ~/.river/dev)')
    .option('--port <number>', 'port of the API on 127.0.0.1 (default: 8000)', port)
    .action((flags: DevFlags, command: Command) =>
      act(command, () => parts.dev({ ...command.optsWithGlobals(), ...flags })),
    );
  return program;
}

function port(text: string): string {
  if (!/^\d+$/.test(text) || Number(text) > 65_535)
    throw new UsageError(`river: --port ${text} is not a port: 0 to 65535`);
  return text;
}

async function overHttp(parts: CliParts, flags: GlobalFlags): Promise<Connection> {
  const { connect } = await import('./connect.ts');
  return connect(parts.io, flags, parts.version);
}

/** The connection is opened on first use and told to `opened`, to be closed at the end. */
function contextOf(command: Command, parts: CliParts, opened: Promise<Connection>[]): Context {
  const flags: GlobalFlags = command.optsWithGlobals();
  return {
    io: parts.io,
    flags,
    version: parts.version,
    connect: () => {
      if (!opened[0]) opened.push(parts.connect ? parts.connect(flags) : overHttp(parts, flags));
      return opened[0] as Promise<Connection>;
    },
  };
}
