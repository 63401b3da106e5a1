import { isTerminal, type Run } from '../../../pkg/api/index.ts';
import type { Rng } from '../../../pkg/base/index.ts';
import type { Client } from '../../../pkg/client/index.ts';
import { expectedOutput, outputOf, type Piece, runsOf } from './load.ts';

/** Everything that must be empty, and what is not as it should be and says so itself: only dockerd's death may cause that. */
export interface Verdict {
  missing: string[];
  twice: string[];
  badExits: string[];
  badOutput: string[];
  badFollowing: string[];
  /** Started at most once: dockerd died around the start. */
  startUnknown: string[];
  /** dockerd died while it ran, and some of its output is missing. */
  outputLost: string[];
  /** It ended while dockerd was away, which gives 255 for the code that it has not seen. */
  exitCodeUnseen: string[];
}

export function hasEnded(runs: readonly Run[]): boolean {
  const phases = runs.map((run) => run.status?.phase ?? 'Pending');
  return phases.length > 0 && phases.every((phase) => isTerminal(phase) && phase !== 'Lost');
}

/** `starts`: the file to which each program has written its name; `streams`: what followers have read. */
export async function judge(
  client: Client,
  pieces: readonly Piece[],
  { starts, streams, rng }: { starts: string; streams: ReadonlyMap<Piece, string>; rng: Rng },
): Promise<Verdict> {
  const names = starts.split('\n').filter(Boolean);
  const verdict: Verdict = {
    missing: [],
    twice: names.filter((name, index) => names.indexOf(name) !== index),
    badExits: [],
    badOutput: [],
    badFollowing: [],
    startUnknown: [],
    outputLost: [],
    exitCodeUnseen: [],
  };
  for (const piece of pieces) {
    const runs = await runsOf(client, piece.name);
    const [run] = runs;
    const { exitCode, reason = '', message = '' } = run?.status ?? {};
    const mark = `${piece.name}: ${runs.length} runs, ${reason} ${exitCode} ${message}`;
    if (piece.docker && reason === 'StartUnknown' && runs.length === 1) {
      verdict.startUnknown.push(mark);
      continue;
    }
    if (!names.includes(piece.name)) verdict.missing.push(mark);
    const isUnseen = piece.docker && exitCode === 255 && /died while the engine was away/.test(message);
    if (run === undefined || runs.length > 1 || exitCode !== piece.exitCode)
      (isUnseen ? verdict.exitCodeUnseen : verdict.badExits).push(mark);
    if (run) await judgeOutput(client, piece, run, { verdict, stream: streams.get(piece), rng });
  }
  return verdict;
}

async function judgeOutput(
  client: Client,
  piece: Piece,
  run: Run,
  { verdict, stream, rng }: { verdict: Verdict; stream: string | undefined; rng: Rng },
): Promise<void> {
  const out = await outputOf(client, run, 'stdout', rng);
  const err = await outputOf(client, run, 'stderr', rng);
  const expected = { out: expectedOutput(piece), err: `${piece.name} ends\n` };
  const isPart = isPartOf(out, expected.out) && isPartOf(err, expected.err);
  const mark = `${piece.name}: ${JSON.stringify({ out, err })} ${run.status?.message}`;
  if (out !== expected.out || err !== expected.err) {
    const saysSo = piece.docker && /may be missing/.test(run.status?.message ?? '');
    (isPart && saysSo ? verdict.outputLost : verdict.badOutput).push(mark);
  }
  if (stream !== undefined && stream !== out)
    verdict.badFollowing.push(`${piece.name}: followed ${JSON.stringify(stream)}, ${mark}`);
}

/** Whether lines are missing in it, and nothing else is wrong. */
function isPartOf(text: string, whole: string): boolean {
  const lines = text.split('\n');
  let found = 0;
  for (const line of whole.split('\n')) if (line === lines[found]) found += 1;
  return found === lines.length;
}
