import type { ReadStream } from 'node:fs';
import { errorMessage, RiverError } from '../base/index.ts';

interface BuildLine {
  stream?: string;
  errorDetail?: { code?: number; message?: string };
  error?: string;
  aux?: { ID?: string };
}

/** A step that has failed by itself: its program ended with another code than 0, or the engine refused it. */
export interface StepFailure {
  exitCode?: number;
  message: string;
}

export interface StepOutcome {
  image?: string;
  failure?: StepFailure;
}

/** What the engine's builder says beside the output of the step. */
const noise = /^(Step \d+\/\d+ :| ---> |Removing intermediate container |Successfully built )/;

/** Reads the answer of a build to its end; `output` is given what the step itself has written. */
export async function readBuild(
  stream: NodeJS.ReadableStream,
  output: (text: string) => void,
): Promise<StepOutcome> {
  const outcome: StepOutcome = {};
  let rest = '';
  const take = (line: string) => {
    if (line.trim() === '') return;
    const { stream: text, errorDetail, error, aux } = JSON.parse(line) as BuildLine;
    if (text !== undefined && text !== '\n' && !noise.test(text)) output(text);
    if (aux?.ID !== undefined) outcome.image = aux.ID;
    if (error !== undefined || errorDetail)
      outcome.failure = { exitCode: errorDetail?.code, message: errorDetail?.message ?? error ?? '' };
  };
  try {
    for await (const chunk of stream as ReadStream) {
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    }
    take(rest);
  } catch (error) {
    throw new RiverError(
      'ServiceUnavailable',
      `the engine went away during the build: ${errorMessage(error)}`,
    );
  }
  return outcome;
}
