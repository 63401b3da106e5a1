import { type Command, Option } from 'commander';
import type { DescribeFlags } from '../commands/describe.ts';
import type { GetFlags } from '../commands/get.ts';
import type { LogsFlags } from '../commands/logs.ts';
import type { TopFlags } from '../commands/top.ts';
import type { UsageFlags } from '../commands/usage.ts';
import type { VersionFlags } from '../commands/version.ts';
import type { WaitFlags } from '../commands/wait.ts';
import type { Act } from '../program.ts';
import { count } from './values.ts';

/** Flags of the commands that only look. What a command does is loaded only when it is used. */
export function addShowCommands(program: Command, act: Act): void {
  program
    .command('why')
    .description(
      'Why a task or run waits: the verdict of each node, who holds what is missing, what would run now.',
    )
    .argument('<object...>', 'KIND/NAME or KIND NAME')
    .action((words: string[], _flags: object, self: Command) =>
      act(self, async (context) => (await import('../commands/why.ts')).why(context, words)),
    );
  addGet(program, act);
  addDescribe(program, act);
  addTop(program, act);
  addLogs(program, act);
  addWait(program, act);
  addUsage(program, act);
  program
    .command('version')
    .description('Versions of this program and of the host.')
    .option('--client', 'only of this program: asks no host')
    .action((flags: VersionFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/version.ts')).version(context, flags)),
    );
}

function addGet(program: Command, act: Act): void {
  program
    .command('get')
    .description('Show objects: tasks, runs, nodes, environments, events; or gpus, which stand in nodes.')
    .argument('[objects...]', 'KIND, KIND,KIND, KIND NAME…, or KIND/NAME…; gpus, or gpus NODE…')
    .addOption(new Option('-o, --output <form>', 'how').choices(['wide', 'yaml', 'json', 'name']))
    .option('-l, --selector <labels>', 'those with these labels, as in a=b,c!=d,e in (f,g),!h')
    .option('--field-selector <fields>', 'those with these fields, as in status.phase=Running')
    .option('-w, --watch', 'go on with every change, until Ctrl-C')
    .option('-A, --all-namespaces', 'of all namespaces')
    .action((words: string[], flags: GetFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/get.ts')).get(context, words, flags)),
    );
}

function addTop(program: Command, act: Act): void {
  program
    .command('top')
    .description('Show what nodes, gpus or runs use now.')
    .argument('<what...>', 'nodes, gpus or runs; then names')
    .option('-l, --selector <labels>', 'nodes (also of gpus) or runs with these labels')
    .option(
      '--sort-by <value>',
      'the largest first: cores, memory, gpu-memory; of nodes gpu; of gpus utilization, temperature, power; or name',
    )
    .option('-A, --all-namespaces', 'runs of all namespaces')
    .action((words: string[], flags: TopFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/top.ts')).top(context, words, flags)),
    );
}

function addDescribe(program: Command, act: Act): void {
  program
    .command('describe')
    .description('Show all about tasks, runs, nodes or environments, with conditions and events.')
    .argument('[objects...]', 'KIND, KIND NAME…, or KIND/NAME…')
    .option('-l, --selector <labels>', 'those with these labels')
    .option('-A, --all-namespaces', 'of all namespaces')
    .action((words: string[], flags: DescribeFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/describe.ts')).describe(context, words, flags)),
    );
}

function addLogs(program: Command, act: Act): void {
  program
    .command('logs')
    .description('Show the output of a run, of all runs of a task, or of the build of an environment.')
    .argument('[object...]', 'task/NAME, run/NAME, env/NAME, or the NAME of a task')
    .option('-f, --follow', 'go on until it has ended')
    .addOption(
      new Option('--stream <which>', 'which output').choices(['stdout', 'stderr', 'both']).default('both'),
    )
    .option('--tail <lines>', 'only the last so many lines of each stream', count)
    .action((words: string[], flags: LogsFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/logs.ts')).logs(context, words, flags)),
    );
}

function addUsage(program: Command, act: Act): void {
  program
    .command('usage')
    .description('Add up what runs have used, also those that are gone.')
    .addOption(
      new Option('--by <what...>', 'added up by (default: task)')
        .choices(['namespace', 'task', 'node', 'day'])
        .default([]),
    )
    .option('--since <time>', 'of runs that ended since then, as in 7d; whole days')
    .addOption(new Option('-o, --output <form>', 'how').choices(['wide', 'yaml', 'json']))
    .option('-A, --all-namespaces', 'of all namespaces')
    .action((flags: UsageFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/usage.ts')).usage(context, flags)),
    );
}

function addWait(program: Command, act: Act): void {
  program
    .command('wait')
    .description('Wait until objects are as asked, or never will be.')
    .argument('[objects...]', 'KIND, KIND NAME…, or KIND/NAME…')
    .requiredOption('--for <what>', 'condition=TYPE[=STATUS], phase=PHASE, or delete')
    .option('-l, --selector <labels>', 'those with these labels')
    .option('--all', 'all of the kind in the namespace')
    .option('--timeout <time>', 'longest wait, as in 90s; 0 = no limit', '0')
    .action((words: string[], flags: WaitFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/wait.ts')).wait(context, words, flags)),
    );
}
