import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { type Context, print } from '../context.ts';
import { ExitError, UsageError } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { hostConfig, runnerConfig } from '../init/configs.ts';
import { hostService, runnerService, type ServicePlaces } from '../init/services.ts';
import type { CliIo } from '../io.ts';

export interface InitFlags {
  host?: boolean;
  runner?: boolean;
  output?: string;
  force?: boolean;
}

export interface InitServiceFlags extends InitFlags {
  /** Of the service, as its program takes it. */
  serviceConfig?: string;
}

type Part = 'host' | 'runner';

/** Writes a commented configuration file. Raises when there is one. */
export async function initConfig(context: Context, flags: InitFlags): Promise<number> {
  const { io } = context;
  const part = partOf(flags);
  const stateDir = io.isRoot ? `/var/lib/river/${part}` : join(io.homeDir, '.river', part);
  const text = part === 'host' ? hostConfig({ stateDir }) : runnerConfig({ stateDir });
  return write(context, flags, configOf(io, part), text);
}

/** Writes a unit of systemd: of the machine for root, of the user's own for anybody else. */
export async function initService(context: Context, flags: InitServiceFlags): Promise<number> {
  const { io } = context;
  const part = partOf(flags);
  const config = flags.serviceConfig ? resolve(io.cwd, flags.serviceConfig) : configOf(io, part);
  const program = join(io.programFolder, `river-${part}.js`);
  const places: ServicePlaces = { node: io.nodePath, program, config, isRoot: io.isRoot };
  const folder = io.isRoot ? '/etc/systemd/system' : join(io.homeDir, '.config/systemd/user');
  const text = part === 'host' ? hostService(places) : runnerService(places);
  await write(context, flags, join(folder, `river-${part}.service`), text);
  if (flags.output === '-') return exitCodes.ok;
  const user = io.isRoot ? '' : ' --user';
  await print(
    context,
    `Start it: systemctl${user} daemon-reload && systemctl${user} enable --now river-${part}`,
  );
  if (!io.isRoot)
    await print(context, 'So that it runs also while you are not logged in: loginctl enable-linger');
  return exitCodes.ok;
}

function partOf({ host, runner }: InitFlags): Part {
  if (host && !runner) return 'host';
  if (runner && !host) return 'runner';
  throw new UsageError('river: say whose: --host or --runner');
}

function configOf(io: CliIo, part: Part): string {
  return io.isRoot ? `/etc/river/${part}.yaml` : join(io.homeDir, `.river/${part}.yaml`);
}

async function write(context: Context, flags: InitFlags, standard: string, text: string): Promise<number> {
  if (flags.output === '-') {
    await context.io.stdout.write(text);
    return exitCodes.ok;
  }
  const file = flags.output ? resolve(context.io.cwd, flags.output) : standard;
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text, { flag: flags.force ? 'w' : 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ExitError(
      exitCodes.failed,
      code === 'EEXIST'
        ? `${file} is there already and was left alone: --force replaces it, -o writes another file`
        : `${file} cannot be written: ${message}`,
    );
  }
  await print(context, `${file} written`);
  return exitCodes.ok;
}
