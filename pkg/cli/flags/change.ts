import { type Command, Option } from 'commander';
import type { ApplyFlags } from '../commands/apply.ts';
import type { DeleteFlags } from '../commands/delete.ts';
import { UsageError } from '../errors.ts';
import type { TargetFlags } from '../naming/select-tasks.ts';
import type { Act } from '../program.ts';
import { collect } from './values.ts';

/** Flags of the commands that change something. What a command does is loaded only when it is used. */
export function addChangeCommands(program: Command, act: Act): void {
  program
    .command('label')
    .description('Set labels of objects, or take them off.')
    .argument('<objects...>', 'KIND/NAME or KIND NAME, then KEY=VALUE to set, KEY- to take off')
    .action((words: string[], _flags: object, self: Command) =>
      act(self, async (context) => (await import('../commands/label.ts')).label(context, words)),
    );
  addApply(program, act);
  addDelete(program, act);
  addPauseAndResume(program, act);
  addStopAndRerun(program, act);
}

function addApply(program: Command, act: Act): void {
  program
    .command('apply')
    .description('Make it as the manifests say. All of them are checked before the first is written.')
    .requiredOption(
      '-f, --filename <path>',
      'file, folder, glob, or - for standard input; may be repeated',
      collect,
    )
    .option('-R, --recursive', 'folders within folders too')
    .addOption(
      new Option('--dry-run [where]', 'change nothing: check here only, or let the host check too')
        .choices(['none', 'client', 'server'])
        .preset('client')
        .default('none'),
    )
    .option('--force-conflicts', 'take over fields that another manager owns')
    .allowExcessArguments()
    .action((flags: ApplyFlags, self: Command) => {
      const [extra] = self.args;
      if (extra !== undefined) {
        throw new UsageError(
          `river: ${extra} needs a -f of its own; put a glob between quotes, as in -f '*.yaml'`,
        );
      }
      return act(self, async (context) => (await import('../commands/apply.ts')).apply(context, flags));
    });
}

function addDelete(program: Command, act: Act): void {
  addTargets(program.command('delete'))
    .description('Stop what runs of them, and remove them.')
    .option('--wait <yes>', 'until nothing of them is left: true or false', yesOrNo, true)
    .option('--timeout <time>', 'longest wait, as in 90s; 0 = no limit', '0')
    .option('--ignore-not-found', 'what does not exist is as good as deleted')
    .action((words: string[], flags: DeleteFlags, self: Command) =>
      act(self, async (context) =>
        (await import('../commands/delete.ts')).deleteObjects(context, words, flags),
      ),
    );
}

function addPauseAndResume(program: Command, act: Act): void {
  addTargets(program.command('pause'))
    .description('Freeze every run of the tasks where it is, and start none.')
    .action((words: string[], flags: TargetFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/pause.ts')).pause(context, words, flags)),
    );
  addTargets(program.command('resume'))
    .description('Let paused tasks go on.')
    .action((words: string[], flags: TargetFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/pause.ts')).resume(context, words, flags)),
    );
}

function addStopAndRerun(program: Command, act: Act): void {
  addTargets(program.command('stop'))
    .description('Stop every run of the tasks and start none, until they are run again.')
    .action((words: string[], flags: TargetFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/stop.ts')).stop(context, words, flags)),
    );
  addTargets(program.command('rerun'))
    .description('Run everything of the tasks again, also when they were stopped.')
    .action((words: string[], flags: TargetFlags, self: Command) =>
      act(self, async (context) => (await import('../commands/rerun.ts')).rerun(context, words, flags)),
    );
}

function addTargets(command: Command): Command {
  return command
    .argument('[objects...]', 'KIND NAME…, or KIND/NAME…')
    .option('-f, --filename <path>', 'the objects of these manifests; may be repeated', collect)
    .option('-R, --recursive', 'folders within folders too')
    .option('-l, --selector <labels>', 'those with these labels, as in a=b,c!=d')
    .option('--all', 'all of the kind in the namespace');
}

function yesOrNo(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new UsageError(`river: --wait=${text} must be true or false`);
}
