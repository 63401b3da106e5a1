import { constants } from 'node:os';
import { Interrupted } from '../errors.ts';
import { LinePrefixer } from '../following/line-prefix.ts';
import type { CliIo, Output } from '../io.ts';
import type { Capture, Ending, LocalMachine } from './local-machine.ts';
import type { LocalRun } from './points.ts';

/** As a shell has it: the number that it answers for a program that is not there. */
const notFound = 127;

/**
 * Runs all runs, so many at a time, also after one has failed. Answers the exit code of the first in their order
 * that failed; 128 and the number of the signal that ended it.
 */
export async function runLocal(
  io: CliIo,
  machine: LocalMachine,
  runs: readonly LocalRun[],
  parallel: number,
): Promise<number> {
  const endings: (Ending | undefined)[] = runs.map(() => undefined);
  let next = 0;
  const work = async () => {
    while (next < runs.length && !io.signal.aborted) {
      const index = next;
      next += 1;
      endings[index] = await runOne(io, machine, runs, index, parallel > 1);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, runs.length) }, work));
  if (io.signal.aborted) throw new Interrupted();
  return summary(io, runs, endings as Ending[]);
}

async function runOne(
  io: CliIo,
  machine: LocalMachine,
  runs: readonly LocalRun[],
  index: number,
  shared: boolean,
): Promise<Ending> {
  const { command, line } = runs[index] as LocalRun;
  if (runs.length > 1) await io.stderr.write(`riverun: [${index}] ${index + 1} of ${runs.length}: ${line}\n`);
  if (!shared) return machine.run(command, io.signal);
  const streams = [prefixed(io.stdout, index), prefixed(io.stderr, index)] as const;
  const capture: Capture = { stdout: streams[0].push, stderr: streams[1].push };
  const ending = await machine.run(command, io.signal, capture);
  await Promise.all(streams.map((stream) => stream.end()));
  return ending;
}

/** Whole lines with the number of the run before them: several runs share one output. */
function prefixed(output: Output, index: number) {
  const lines = new LinePrefixer(`[${index}] `);
  let written = Promise.resolve();
  const write = (data: Uint8Array) => {
    if (data.length > 0) written = written.then(() => output.write(data));
  };
  return {
    push: (chunk: Uint8Array) => write(lines.push(chunk)),
    end: () => {
      write(lines.end());
      return written;
    },
  };
}

async function summary(io: CliIo, runs: readonly LocalRun[], endings: readonly Ending[]): Promise<number> {
  const failed = endings.flatMap((ending, index) => (exitCodeOf(ending) === 0 ? [] : [index]));
  for (const index of failed) {
    await io.stderr.write(
      `riverun: [${index}] ${described(endings[index] as Ending)}: ${runs[index]?.line}\n`,
    );
  }
  if (runs.length > 1 && failed.length > 0)
    await io.stderr.write(`riverun: ${failed.length} of ${runs.length} runs failed\n`);
  return failed.length === 0 ? 0 : exitCodeOf(endings[failed[0] as number] as Ending);
}

function exitCodeOf(ending: Ending): number {
  if ('exitCode' in ending) return ending.exitCode;
  if ('problem' in ending) return notFound;
  return 128 + (constants.signals[ending.signal as NodeJS.Signals] ?? 0);
}

function described(ending: Ending): string {
  if ('exitCode' in ending) return `ended with exit code ${ending.exitCode}`;
  return 'problem' in ending ? ending.problem : `was ended by ${ending.signal}`;
}
