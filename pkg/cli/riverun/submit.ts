import { stringify } from 'yaml';
import { type ApiObject, apiVersion, validateManifest } from '../../api/index.ts';
import type { Rng } from '../../base/index.ts';
import type { Connection } from '../context.ts';
import { UsageError } from '../errors.ts';
import type { CliIo } from '../io.ts';
import { applyManager } from '../sending/apply-manager.ts';

export interface SubmitFlags {
  name?: string;
  namespace?: string;
  runtime?: string;
  image?: string;
  target?: string[];
  cores?: number;
  memory?: string;
}

export interface Program {
  command: readonly string[];
  env: Readonly<Record<string, string>>;
  parallelism?: number;
}

/** One Task with the spans as they were typed: the host multiplies them. Raises UsageError for what no Task can be. */
export function sweepTask(flags: SubmitFlags, program: Program, rng: Rng): ApiObject {
  const { name, namespace, runtime, image, target, cores, memory } = flags;
  const resources = { ...(cores !== undefined && { cores }), ...(memory !== undefined && { memory }) };
  const task = {
    apiVersion,
    kind: 'Task',
    metadata: { name: name ?? madeUpName(program.command, rng), ...(namespace && { namespace }) },
    spec: {
      ...(runtime && { runtime }),
      ...(image && { image }),
      command: program.command,
      ...(Object.keys(program.env).length > 0 && { env: program.env }),
      ...(target && { targets: target }),
      ...(Object.keys(resources).length > 0 && { resources }),
      ...(program.parallelism !== undefined && { parallelism: program.parallelism }),
    },
  };
  const problems = validateManifest(task).map(({ field, message }) => `riverun: ${field}: ${message}`);
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return task as ApiObject;
}

/** The last word of the program that is not a flag, and some letters: every submission is a Task of its own. */
function madeUpName(command: readonly string[], rng: Rng): string {
  const named = command.slice(0, 4).filter((word) => /^[\w./-]+$/.test(word) && !word.startsWith('-'));
  const last = named.at(-1)?.split('/').at(-1) ?? 'sweep';
  const base = last
    .toLowerCase()
    .replace(/\.\w+$/, '')
    .replace(/[^a-z0-9]+/g, '-');
  const clean = base.replace(/^-+|-+$/g, '').slice(0, 40) || 'sweep';
  return `${clean}-${rng.uuid().slice(0, 5)}`;
}

export async function submit(io: CliIo, task: ApiObject, { client, namespace }: Connection): Promise<number> {
  const metadata = { ...task.metadata, namespace: task.metadata.namespace ?? namespace };
  const { object, outcome } = await client.apply({ ...task, metadata }, { fieldManager: applyManager });
  await io.stdout.write(`task.river.dev/${object.metadata.name} ${outcome}\n`);
  return 0;
}

export function manifestText(task: ApiObject): string {
  return stringify(task);
}
