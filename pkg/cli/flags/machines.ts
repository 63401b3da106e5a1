import type { Command } from 'commander';
import type { InitFlags, InitServiceFlags } from '../commands/init.ts';
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
  addInit(program, act);
}

function addInit(program: Command, act: Act): void {
  const init = program.command('init').description('Write the files with which a machine is set up.');
  const common = (command: Command) =>
    command
      .option('--host', 'for river-host')
      .option('--runner', 'for river-runner')
      .option('-o, --output <file>', 'where to, or - for standard output')
      .option('--force', 'replace a file that is there');
  common(init.command('config'))
    .description('A configuration with every field explained: /etc/river for root, else ~/.river.')
    .action((flags: InitFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/init.ts')).initConfig(context, flags)),
    );
  common(init.command('service'))
    .description('A service of systemd: of the machine for root, else of your own.')
    .option(
      '--service-config <file>',
      'configuration of the service (default: where river init config writes it)',
    )
    .action((flags: InitServiceFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/init.ts')).initService(context, flags)),
    );
}
