/**
 * The commands that people type: what they read, send and print. Decides nothing about what runs where, and keeps
 * nothing: it is a client like any other. Loads what a command needs when it is used, so that it starts at once.
 */

export { configFile } from './config-file.ts';
export type { Connection, GlobalFlags } from './context.ts';
export { exitCodes } from './exit-codes.ts';
export type { CliIo, Output } from './io.ts';
export { type CliParts, type DevFlags, runCli } from './program.ts';
