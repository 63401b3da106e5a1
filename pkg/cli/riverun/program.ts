import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { connect } from '../connect.ts';
import type { GlobalFlags } from '../context.ts';
import { describeError, exitCodeOf, UsageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { collect } from '../flags/values.ts';
import type { CliIo } from '../io.ts';
import type { LocalMachine } from './local-machine.ts';
import { localRuns, parseEnv } from './points.ts';
import { runLocal } from './run-local.ts';
import { manifestText, type SubmitFlags, submit, sweepTask } from './submit.ts';
import { resolveTarget, type TargetFlags } from './target.ts';

export interface RiverunParts {
  io: CliIo;
  version: string;
  machine: LocalMachine;
}

interface Flags extends TargetFlags, SubmitFlags, GlobalFlags {
  parallel?: number | 'all';
  env?: string[];
  dryRun?: boolean;
  submit?: boolean;
}

const forTasks = [
  'name',
  'namespace',
  'runtime',
  'image',
  'target',
  'cores',
  'memory',
  'config',
  'context',
] as const;

/** Parses the words behind the name of the program, does what they say, and answers the exit code. Never throws. */
export async function runRiverun(words: readonly string[], parts: RiverunParts): Promise<number> {
  let exitCode: number = exitCodes.ok;
  const program = buildProgram(parts, async (target, args, flags) => {
    exitCode = await act(parts, target, args, flags);
  });
  try {
    await program.parseAsync(withNumber(words, program), { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.invalid;
    const text = describeError(error).replace(/^river: /, 'riverun: ');
    if (text) await parts.io.stderr.write(`${text}\n`);
    return exitCodeOf(error);
  }
}

/** `--parallel` alone gets its value here: commander would take the target for it. Words behind the target stay as they are. */
function withNumber(words: readonly string[], program: Command): string[] {
  const filled = [...words];
  for (let index = 0; index < filled.length; index += 1) {
    const word = filled[index] as string;
    if (!word.startsWith('-') || word === '--') break;
    if (word === '--parallel') filled[index] = '--parallel=all';
    else if (program.options.some((option) => option.required && [option.short, option.long].includes(word)))
      index += 1;
  }
  return filled;
}

function buildProgram(
  { io, version }: RiverunParts,
  action: (target: string, args: string[], flags: Flags) => Promise<void>,
): Command {
  return new Command('riverun')
    .description(
      'Runs a command once for every combination of the spans in its arguments: span:{1..3} and span:[a,b].\nOn this machine, or with --submit as one Task of the cluster.',
    )
    .argument('<target>', 'a program, or a Python module or module:function')
    .argument('[args...]', 'its arguments, with spans')
    .option(
      '--parallel <n>',
      'so many at a time; alone, without =N: as many as there are CPUs (default: 1)',
      atLeastOne,
    )
    .option('--env <name=value>', 'a variable, with spans; may be repeated', collect)
    .option('--dry-run', 'prints the commands, or the manifest of --submit, and does nothing')
    .option('-m, --module', 'the target is a Python module or function, whatever programs there are')
    .option('--python <program>', 'the interpreter for modules and functions', 'python3')
    .option('--submit', 'sends it as one Task; --parallel N becomes its parallelism')
    .option('--name <name>', 'with --submit: of the Task (default: made up)')
    .option('-n, --namespace <name>', 'with --submit')
    .option('--runtime <runtime>', 'with --submit: docker, systemd or process')
    .option('--image <image>', 'with --submit')
    .option('--target <target>', 'with --submit; may be repeated', collect)
    .option('--cores <n>', 'with --submit: of each run', number)
    .option('--memory <bytes>', 'with --submit: of each run, as in 4G')
    .option('--config <file>', 'with --submit: as for river')
    .option('--context <name>', 'with --submit: as for river')
    .version(`riverun ${version}`, '--version')
    .passThroughOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(text.replace(/^error: /, 'riverun: ')),
    })
    .action(action);
}

async function act(parts: RiverunParts, target: string, args: string[], flags: Flags): Promise<number> {
  const { io, machine } = parts;
  const env = parseEnv(flags.env ?? []);
  const misplaced = flags.submit ? undefined : forTasks.find((name) => flags[name] !== undefined);
  if (misplaced) throw new UsageError(`riverun: --${misplaced} needs --submit`);
  const resolved = await resolveTarget(target, flags, machine, io.signal);
  // Also with --submit, for what it refuses.
  const runs = localRuns(resolved, args, env);
  if (flags.submit) return actOnCluster(parts, [...resolved.argv, ...args], env, flags);
  if (flags.dryRun) {
    for (const { line } of runs) await io.stdout.write(`${line}\n`);
    return exitCodes.ok;
  }
  const parallel = flags.parallel === 'all' ? machine.cores : (flags.parallel ?? 1);
  return runLocal(io, machine, runs, parallel);
}

async function actOnCluster(
  parts: RiverunParts,
  command: readonly string[],
  env: Record<string, string>,
  flags: Flags,
): Promise<number> {
  const parallelism = typeof flags.parallel === 'number' ? flags.parallel : undefined;
  const task = sweepTask(flags, { command, env, parallelism }, parts.io.rng);
  if (flags.dryRun) {
    await parts.io.stdout.write(manifestText(task));
    return exitCodes.ok;
  }
  const connection = await connect(parts.io, flags, parts.version);
  try {
    return await submit(parts.io, task, connection);
  } finally {
    connection.close();
  }
}

function atLeastOne(text: string): number | 'all' {
  if (text === 'all') return text;
  if (!/^[1-9]\d{0,5}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 1, as in --parallel=4.');
  return Number(text);
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || Number.isNaN(value))
    throw new InvalidArgumentError('It must be a number, as in 0.5.');
  return value;
}
