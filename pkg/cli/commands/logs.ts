import type { Task } from '../../api/index.ts';
import { hasCode } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';
import { type Context, objectNamespace, warn } from '../context.ts';
import { UsageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { BuildProgress } from '../following/build-progress.ts';
import { LinePrefixer } from '../following/line-prefix.ts';
import { buildLogStream, logStream } from '../following/log-stream.ts';
import { followTaskRuns, runsOf } from '../following/task-runs.ts';
import type { Output } from '../io.ts';
import { parseSelections, resourceOf, type Selection } from '../naming/object-args.ts';

export interface LogsFlags {
  follow?: boolean;
  stream: 'stdout' | 'stderr' | 'both';
  /** Lines from the end of each stream; left out: all. */
  tail?: number;
}

interface Reading {
  client: Client;
  namespace: string;
  flags: LogsFlags;
}

/** Standard output of the runs goes to standard output, their standard error to standard error. */
export async function logs(context: Context, words: readonly string[], flags: LogsFlags): Promise<number> {
  const { resource, names } = parseTarget(words);
  if (resource.kind === 'Environment') return copyBuild(context, names[0] ?? '', flags);
  const connection = await context.connect();
  const reading = {
    client: connection.client,
    namespace: objectNamespace(context, connection, resource),
    flags,
  };
  const name = names[0] ?? '';
  if (resource.kind === 'Task') await copyTask(context, reading, name);
  else {
    await connection.client.get('Run', reading.namespace, name);
    await copyRun(context, reading, name, false);
  }
  return exitCodes.ok;
}

const nameOne = 'river: name one task, run or environment, as in "river logs task/hello"';

function parseTarget(words: readonly string[]): Selection {
  if (words.length === 0) throw new UsageError(nameOne);
  const bare = words.length === 1 && !words[0]?.includes('/');
  const [selection, ...more] = bare
    ? [{ resource: resourceOf('task'), names: [words[0] ?? ''] }]
    : parseSelections(words);
  if (!selection || more.length > 0 || selection.names.length !== 1) {
    throw new UsageError(nameOne);
  }
  if (!['Task', 'Run', 'Environment'].includes(selection.resource.kind)) {
    throw new UsageError(
      `river: a ${selection.resource.singular} has no output; tasks, runs and environments have`,
    );
  }
  return selection;
}

/** What its last build has written, or writes. */
async function copyBuild(context: Context, name: string, flags: LogsFlags): Promise<number> {
  const { client } = await context.connect();
  await client.get('Environment', '', name);
  const request = { environment: name, follow: flags.follow === true, tailLines: flags.tail };
  const beneath = flags.follow ? new BuildProgress(context, client, name) : undefined;
  try {
    for await (const chunk of buildLogStream(client, request, context.io)) {
      await beneath?.makeRoom(chunk);
      await context.io.stdout.write(chunk);
    }
  } catch (error) {
    if (!flags.follow || !isGone(error, name)) throw error;
    await warn(context, `environment/${name} was deleted`);
  } finally {
    await beneath?.end();
  }
  return exitCodes.ok;
}

async function copyTask(context: Context, reading: Reading, name: string): Promise<void> {
  const { client, namespace, flags } = reading;
  const task = await client.get('Task', namespace, name);
  if (flags.follow)
    return followTaskRuns(client, task, context.io, (run, several) =>
      copyRun(context, reading, run, several),
    );
  const runs = await runsOf(client, task);
  if (runs.length === 0) await warn(context, `task/${name} has no runs ${whyNone(task)}`);
  for (const run of runs) await copyRun(context, reading, run.metadata.name ?? '', runs.length > 1);
}

function whyNone({ status }: Task): string {
  const hasEnded = ['Succeeded', 'Failed'].includes(status?.phase ?? '');
  return hasEnded ? 'any more: they went with their output, ttlAfterFinished after they had ended' : 'yet';
}

async function copyRun(context: Context, reading: Reading, run: string, withPrefix: boolean): Promise<void> {
  const { stdout, stderr } = context.io;
  const { stream } = reading.flags;
  const wanted = [
    ...(stream === 'stderr' ? [] : [copyStream(context, reading, run, 'stdout', stdout, withPrefix)]),
    ...(stream === 'stdout' ? [] : [copyStream(context, reading, run, 'stderr', stderr, withPrefix)]),
  ];
  await Promise.all(wanted);
}

async function copyStream(
  context: Context,
  { client, namespace, flags }: Reading,
  run: string,
  stream: 'stdout' | 'stderr',
  output: Output,
  withPrefix: boolean,
): Promise<void> {
  const prefixer = withPrefix ? new LinePrefixer(`[${run}] `) : undefined;
  const request = { namespace, run, stream, follow: flags.follow === true, tailLines: flags.tail };
  try {
    for await (const chunk of logStream(client, request, context.io)) {
      const text = prefixer ? prefixer.push(chunk) : chunk;
      if (text.length > 0) await output.write(text);
    }
  } catch (error) {
    if (!flags.follow || !isGone(error, run)) throw error;
    await warn(context, `run/${run} was deleted`);
  } finally {
    const rest = prefixer?.end();
    if (rest?.length) await output.write(rest);
  }
}

function isGone(error: unknown, name: string): boolean {
  return hasCode(error, 'NotFound') && error.details.name === name;
}
