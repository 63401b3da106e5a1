import { constants } from 'node:fs';
import { access, chmod, stat, writeFile } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import type { ExecutionSpec } from '../index.ts';

export type StartError = { reason: string; message: string };

async function isExecutableFile(path: string): Promise<'yes' | 'missing' | 'refused'> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) return 'missing';
  if (!found.isFile()) return 'refused';
  return access(path, constants.X_OK).then(
    () => 'yes' as const,
    () => 'refused' as const,
  );
}

/** Why `program` cannot be executed with this PATH from this folder; undefined when it can. */
export async function findProgram(
  program: string,
  path: string,
  workingDir: string,
): Promise<StartError | undefined> {
  const candidates = program.includes('/')
    ? [isAbsolute(program) ? program : join(workingDir, program)]
    : path.split(':').map((folder) => join(folder === '' ? workingDir : folder, program));
  let refused = false;
  for (const candidate of candidates) {
    const answer = await isExecutableFile(candidate);
    if (answer === 'yes') return undefined;
    refused ||= answer === 'refused';
  }
  if (refused) {
    return {
      reason: 'CommandNotExecutable',
      message: `${program} exists on this node but is not an executable file.`,
    };
  }
  const where = program.includes('/') ? '' : ` in PATH (${path})`;
  return { reason: 'CommandNotFound', message: `There is no program ${program} on this node${where}.` };
}

/** Names that a POSIX shell hands on; it drops any other silently, so they are refused with a sentence. */
function badVariable(env: Record<string, string>): StartError | undefined {
  const bad = Object.keys(env).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (bad === undefined) return undefined;
  return {
    reason: 'StartFailed',
    message: `The environment variable ${bad} cannot be given to a process: use letters, digits and _ only.`,
  };
}

/** What is executed, and where; or why it cannot be. Writes the script of the run into its folder. */
export async function prepareCommand(
  spec: ExecutionSpec,
  folder: string,
  env: Record<string, string>,
): Promise<{ argv: string[]; workingDir: string } | { startError: StartError }> {
  const workingDir = spec.workingDir ?? join(folder, 'work');
  const found = await stat(workingDir).catch(() => undefined);
  if (!found?.isDirectory()) {
    return {
      startError: { reason: 'WorkingDirNotFound', message: `There is no folder ${workingDir} on this node.` },
    };
  }
  const argv = [...(spec.command ?? []), ...(spec.args ?? [])];
  if (spec.script !== undefined) {
    const path = join(folder, 'script');
    await writeFile(path, spec.script, { mode: 0o700 });
    await chmod(path, 0o700);
    argv.unshift(path);
  }
  const [program] = argv;
  if (program === undefined || program === '' || program.startsWith('-')) {
    return { startError: { reason: 'CommandNotFound', message: 'A process needs a command or a script.' } };
  }
  const startError = badVariable(env) ?? (await findProgram(program, env.PATH ?? '', workingDir));
  return startError ? { startError } : { argv, workingDir };
}
