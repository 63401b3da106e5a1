import { runRiverun } from '../../pkg/cli/index.ts';
import { processIo } from '../process-io.ts';
import { version } from '../version.ts';
import { localMachine } from './local-machine.ts';

/** Reads the process's arguments, runs what they say and sets the exit code. */
export async function main(): Promise<void> {
  const io = processIo();
  process.exitCode = await runRiverun(process.argv.slice(2), {
    io,
    version,
    machine: localMachine(),
  });
}
