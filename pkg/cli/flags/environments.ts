import { type Command, Option } from 'commander';
import type { CommitFlags, DiscardFlags } from '../commands/commit.ts';
import type { ExportFlags } from '../commands/env-export.ts';
import type { ImportFlags } from '../commands/env-import.ts';
import type { RollbackFlags } from '../commands/rollback.ts';
import type { ShellFlags } from '../commands/shell.ts';
import type { Act } from '../program.ts';

/** Flags of the commands for environments alone. */
export function addEnvironmentCommands(program: Command, act: Act): void {
  program
    .command('shell')
    .description('A terminal, or one program, in the container of an interactive environment.')
    .argument('<object>', 'env/NAME')
    .argument('[command...]', 'after --: program and arguments (default: bash, else sh)')
    .option('-t, --tty', 'a terminal there, also when this program has none')
    .option('-T, --no-tty', 'no terminal there: standard error stays apart, and every byte is as it was')
    .action((target: string, command: string[], flags: ShellFlags, self: Command) =>
      act(self, async (context) =>
        (await import('../commands/shell.ts')).shell(context, target, command, flags),
      ),
    );
  program
    .command('commit')
    .description(
      'Make what is in the working container of an environment its next digest, and wait until it is published.',
    )
    .argument('[object...]', 'env/NAME')
    .option('-m, --message <text>', 'what was done; stands in the history')
    .option('--timeout <time>', 'end the wait after this time, as in 10m; the commit goes on', '0')
    .action((words: string[], flags: CommitFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/commit.ts')).commit(context, words, flags)),
    );
  program
    .command('discard')
    .description('Throw away what is in the working container of an environment and not committed.')
    .argument('[object...]', 'env/NAME')
    .option('--timeout <time>', 'end the wait after this time, as in 10m', '0')
    .action((words: string[], flags: DiscardFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/commit.ts')).discard(context, words, flags)),
    );
  program
    .command('rollback')
    .description('Put a digest of before in use again, until the manifest of the environment changes.')
    .argument('[object...]', 'env/NAME')
    .requiredOption('--to <digest>', 'its first digits; river describe env/NAME shows those that are kept')
    .action((words: string[], flags: RollbackFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/rollback.ts')).rollback(context, words, flags)),
    );
  addFiles(program, act);
}

/** Environments as files. */
function addFiles(program: Command, act: Act): void {
  const env = program.command('env').description('Take environments along as files.');
  env
    .command('export')
    .description(
      'Write the tarball of an environment, which docker load takes too; checked when it is whole.',
    )
    .argument('<object...>', 'env/NAME')
    .option('-o, --output <file>', 'where to (default: NAME-DIGEST.tar here)')
    .option('--digest <digits>', 'a kept digest, by its first digits (default: the one in use)')
    .action((words: string[], flags: ExportFlags, self: Command) =>
      act(self, async (context) =>
        (await import('../commands/env-export.ts')).exportEnvironment(context, words, flags),
      ),
    );
  env
    .command('import')
    .description('Send a tarball of docker save or river env export to the host, as an environment.')
    .argument('<file>', 'with one image')
    .option(
      '--name <name>',
      'of the environment (default: none is made, and what its manifest would say is printed)',
    )
    .addOption(new Option('-o, --output <form>', 'the manifest that was applied').choices(['yaml']))
    .action((file: string, flags: ImportFlags, self: Command) =>
      act(self, async (context) =>
        (await import('../commands/env-import.ts')).importEnvironment(context, file, flags),
      ),
    );
}
