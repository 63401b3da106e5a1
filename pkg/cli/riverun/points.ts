import { environmentNameProblem, runLimit, type Sweep, sweepOf } from '../../api/index.ts';
import { hasCode } from '../../base/index.ts';
import { UsageError } from '../errors.ts';
import type { LocalCommand } from './local-machine.ts';
import type { Target } from './target.ts';

/** One run. */
export interface LocalRun {
  command: LocalCommand;
  /** As a person could type it into a shell. */
  line: string;
}

/** Raises UsageError for what is not NAME=VALUE. */
export function parseEnv(assignments: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    assignments.map((text) => {
      const [, name = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
      if (environmentNameProblem(name) !== undefined)
        throw new UsageError(`riverun: --env ${text} must be NAME=VALUE, as in --env SEED=1`);
      return [name, value];
    }),
  );
}

/** One command for each point of the spans in the arguments and in env. Raises UsageError for a span that is none. */
export function localRuns(
  target: Target,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): LocalRun[] {
  const names = Object.keys(env).sort();
  const sweep = sweepOrRefuse(
    args,
    names.map((name) => env[name] ?? ''),
  );
  return Array.from({ length: sweep.size }, (_, point) => {
    const texts = sweep.texts(point);
    const words = texts.slice(0, args.length);
    const values = Object.fromEntries(names.map((name, index) => [name, texts[args.length + index] ?? '']));
    return {
      command: { argv: [...target.argv, ...words], env: { ...values, RIVER_RUN_INDEX: String(point) } },
      line: shellLine([...target.shown, ...words], values),
    };
  });
}

/** bash makes span:1 span:2 of span:{1..2}: that would be one run with both. */
function refuseExpanded(args: readonly string[]): void {
  const expanded = args.find((arg) => /(?<!\\)span:-?\d/.test(arg));
  if (expanded === undefined) return;
  throw new UsageError(
    `riverun: ${expanded} is what a shell makes of a span with braces; put it between quotes, as in 'span:{1..3}'`,
  );
}

function sweepOrRefuse(args: readonly string[], values: readonly string[]): Sweep {
  refuseExpanded(args);
  const sweep = refusing(() => sweepOf([...args, ...values].map((text) => ({ name: text, text }))));
  if (sweep.size > runLimit)
    throw new UsageError(`riverun: the spans multiply to ${sweep.size} runs, at most ${runLimit} are made`);
  return sweep;
}

function refusing(make: () => Sweep): Sweep {
  try {
    return make();
  } catch (error) {
    if (!hasCode(error, 'Invalid')) throw error;
    throw new UsageError(`riverun: an argument ${error.message}`);
  }
}

function shellLine(words: readonly string[], env: Readonly<Record<string, string>>): string {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${quoted(value)}`);
  return [...variables, ...words.map(quoted)].join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
