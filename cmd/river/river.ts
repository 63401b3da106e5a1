import { runCli } from '../../pkg/cli/index.ts';
import { processIo } from '../process-io.ts';
import { useSmallHeap } from '../small-heap.ts';
import { version } from '../version.ts';

/** Reads the process's arguments, runs the command and sets the exit code. */
export async function main(): Promise<void> {
  const io = processIo();
  process.exitCode = await runCli(process.argv.slice(2), {
    io,
    version,
    dev: async (flags) => {
      useSmallHeap();
      return (await import('./dev.ts')).dev(io, flags);
    },
  });
}
