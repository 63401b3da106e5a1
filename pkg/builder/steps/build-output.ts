import type { ReadStream } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { errorMessage, RiverError } from '../../base/index.ts';

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
  for await (const { stream: text, errorDetail, error, aux } of linesOf(stream)) {
    if (text !== undefined && text !== '\n' && !noise.test(text)) output(text);
    if (aux?.ID !== undefined) outcome.image = aux.ID;
    if (error !== undefined || errorDetail)
      outcome.failure = { exitCode: errorDetail?.code, message: errorDetail?.message ?? error ?? '' };
  }
  return outcome;
}

/** Raises `ServiceUnavailable` for an answer that is cut off; what its reader raises is the reader's own. */
async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<BuildLine> {
  // A letter of several bytes may come in two pieces.
  const decoder = new StringDecoder('utf8');
  let rest = '';
  try {
    for await (const chunk of stream as ReadStream) {
      const lines = (rest + decoder.write(chunk as Buffer)).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as BuildLine;
    }
    if (rest.trim() !== '') yield JSON.parse(rest) as BuildLine;
  } catch (error) {
    const message = `the engine went away during the build: ${errorMessage(error)}`;
    throw new RiverError('ServiceUnavailable', message, {}, { cause: error });
  }
}
