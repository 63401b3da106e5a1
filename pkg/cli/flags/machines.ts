import type { Command } from 'commander';
import type { TokenFlags } from '../commands/token.ts';
import type { Act } from '../program.ts';

/** Flags of the commands for who sets machines up. */
export function addMachineCommands(program: Command, act: Act): void {
  const token = program.command('token').description('Let machines join.');
  token
    .command('create')
    .description('Print a new token, with which one machine joins: river-runner join URL TOKEN.')
    .requiredOption('--node <name>', 'the name of the machine from then on')
    .option('--expires <time>', 'how long it is good, as in 30m; at most 30d', '1h')
    .option('--replace', 'the machine may take the name from the one that has it, which is shut out then')
    .action((flags: TokenFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/token.ts')).createToken(context, flags)),
    );
}
