import type { TaskSpec } from '../types.gen.ts';
import { type Place, type Sweep, sweepOf } from './product.ts';

/** So many runs one Task may make: targets × sweep points. */
export const runLimit = 10_000;

type Program = Pick<TaskSpec, 'command' | 'args' | 'env'>;

/** Names in order, so that the numbering of the points does not depend on the order in which a map was written. */
const envNames = ({ env = {} }: Program) => Object.keys(env).sort();

/** Texts of a Task in which spans count: everything but the name of its program. */
export function spannedPlaces(spec: Program): Place[] {
  const { command = [], args = [], env = {} } = spec;
  return [
    ...command.slice(1).map((text, index) => ({ name: `command[${index + 1}]`, text })),
    ...args.map((text, index) => ({ name: `args[${index}]`, text })),
    ...envNames(spec).map((name) => ({ name: `env.${name}`, text: env[name] ?? '' })),
  ];
}

export interface TaskSweep {
  /** Combinations of all spans; 1 where there are none. */
  size: number;
  /** The program of one point: command, args and env without spans. Only those that the spec has. */
  program(point: number): Program;
  values: Sweep['values'];
}

/** Raises `Invalid` for a span that is none. */
export function taskSweep(spec: Program): TaskSweep {
  const sweep = sweepOf(spannedPlaces(spec));
  return {
    size: sweep.size,
    values: sweep.values,
    program: (point) => {
      const texts = sweep.texts(point);
      const { command, args, env } = spec;
      const [name, ...words] = command ?? [];
      return {
        ...(command && { command: [name ?? '', ...texts.splice(0, words.length)] }),
        ...(args && { args: texts.splice(0, args.length) }),
        ...(env && { env: Object.fromEntries(envNames(spec).map((key) => [key, texts.shift() ?? ''])) }),
      };
    },
  };
}
