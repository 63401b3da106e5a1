import type { Command } from 'commander';
import type { NodeFlags } from '../commands/cordon.ts';
import type { DrainFlags } from '../commands/drain.ts';
import type { FenceFlags } from '../commands/fence.ts';
import type { RevokeFlags } from '../commands/revoke.ts';
import type { Act } from '../program.ts';

/** Flags of the commands that say what may run on a machine. */
export function addNodeCommands(program: Command, act: Act): void {
  addNodes(program.command('cordon'))
    .description('Let nothing new start on the nodes; what runs there goes on.')
    .action((words: string[], flags: NodeFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/cordon.ts')).cordon(context, words, flags)),
    );
  addNodes(program.command('uncordon'))
    .description('Let runs start on the nodes again; ends a drain.')
    .action((words: string[], flags: NodeFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/cordon.ts')).uncordon(context, words, flags)),
    );
  addNodes(program.command('drain'))
    .description('Stop what runs on the nodes and make it again elsewhere; waits until they are empty.')
    .option('--timeout <time>', 'longest wait, as in 90s; 0 = no limit', '0')
    .action((words: string[], flags: DrainFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/drain.ts')).drain(context, words, flags)),
    );
  program
    .command('taint')
    .description('Keep away from nodes what does not tolerate the taint, or take a taint off.')
    .argument('<nodes...>', 'nodes, then KEY[=VALUE]:EFFECT to add, KEY[:EFFECT]- to remove')
    .action((words: string[], _flags: object, self: Command) =>
      act(self, async (context) => (await import('../commands/taint.ts')).taint(context, words)),
    );
  const node = program.command('node').description('Say what has become of a machine.');
  node
    .command('fence')
    .description('Declare a machine dead: its runs fail, and what they hold is free.')
    .argument('<node>', 'its name')
    .option('--yes', 'do it; without, only say what would happen')
    .action((name: string, flags: FenceFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/fence.ts')).fence(context, name, flags)),
    );
  node
    .command('revoke')
    .description('Shut a machine out: its key counts no more, and its connections are closed.')
    .argument('<node>', 'its name')
    .option('--yes', 'do it; without, only say what would happen')
    .action((name: string, flags: RevokeFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/revoke.ts')).revoke(context, name, flags)),
    );
}

function addNodes(command: Command): Command {
  return command
    .argument('[nodes...]', 'names of nodes')
    .option('-l, --selector <labels>', 'those with these labels, as in a=b,c!=d')
    .option('--all', 'all nodes');
}
