import type { Command } from 'commander';
import type { CommitFlags, DiscardFlags } from '../commands/commit.ts';
import type { RollbackFlags } from '../commands/rollback.ts';
import type { Act } from '../program.ts';

/** Flags of the commands for environments alone. */
export function addEnvironmentCommands(program: Command, act: Act): void {
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
}
