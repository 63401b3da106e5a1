/**
 * The commands that people type: what they read, send and print. Decides nothing about what runs where, and keeps
 * nothing: it is a client like any other. Loads what a command needs when it is used, so that it starts at once.
 *
 * Rooms: `commands`, one a file; `flags`, what each takes; `naming` (which objects the words mean), `sending` (manifests and
 * what they copy), `following` (output and state until an end), `printers`, `machines`, `init`, `riverun`.
 */

export { configFile } from './config-file.ts';

import type { RiverunParts } from './riverun/program.ts';

export type { Connection, GlobalFlags } from './context.ts';
export { exitCodes } from './exit-codes.ts';
export type { CliIo, Output, Terminal } from './io.ts';
export { type CliParts, type DevFlags, runCli } from './program.ts';
export type { Capture, Ending, LocalCommand, LocalMachine } from './riverun/local-machine.ts';

/** Loaded when it is called: the commands of `river` do without it. */
export async function runRiverun(words: readonly string[], parts: RiverunParts): Promise<number> {
  return (await import('./riverun/program.ts')).runRiverun(words, parts);
}
