import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { type Command, CommanderError } from 'commander';
import { errorMessage } from '../pkg/base/index.ts';
import type { ConfigSource } from '../pkg/config/index.ts';

/** Parses the arguments and acts; what is thrown becomes a sentence on standard error and a failing exit code. */
export async function runProgram(name: string, program: Command): Promise<void> {
  program
    .name(name)
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, `${name}: `)),
    });
  for (const command of program.commands) command.copyInheritedSettings(program);
  try {
    await program.parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else {
      const message = errorMessage(error);
      // Lines about a configuration begin with where it came from; without a file that is the program.
      process.stderr.write(message.startsWith(`${name}: `) ? `${message}\n` : `${name}: ${message}\n`);
      process.exitCode = 1;
    }
  }
}

/** Where a configuration comes from: the file of --config, then the variables. */
export function configSource<T extends string | undefined>(file: T): ConfigSource & { file: T } {
  return { file, env: process.env, readText: (path) => readFileSync(path, 'utf8'), hostname: hostname() };
}

/** Resolves at SIGINT or SIGTERM. A second one ends the process at once. */
export function stopRequested(): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const onSignal = () => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  });
}
