import { RiverError } from '../base/index.ts';

export interface ConfigProblem {
  /** `river.yaml:3:5`, or the name of a variable. */
  source: string;
  field: string;
  message: string;
}

/** Everything that is wrong with a configuration; the message has one line for each. */
export class ConfigError extends RiverError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(
      ({ source, field, message }) => `${source}: ${field ? `${field}: ` : ''}${message}`,
    );
    super('Invalid', lines.join('\n'), {
      causes: problems.map(({ field, message }) => ({ field, message })),
    });
    this.name = 'ConfigError';
    this.problems = problems;
  }
}
