import { homedir, userInfo } from 'node:os';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { parseDuration } from '../../pkg/api/index.ts';
import { createToken, loadOrCreateKey } from '../../pkg/apiserver/index.ts';
import {
  errorMessage,
  type LevelLogger,
  levelLogger,
  RiverError,
  realClock,
  realRng,
} from '../../pkg/base/index.ts';
import { pinoLogger } from '../../pkg/base/pino-logger.ts';
import { defaultConfigFile, kubeconfigText, serverAddress, writeKubeconfig } from '../../pkg/client/index.ts';
import { type HostSettings, loadConfig, watchConfig } from '../../pkg/config/index.ts';
import { authorityCertificate } from '../../pkg/identity/index.ts';
import { backupDirectory, restoreBackup } from '../../pkg/store/index.ts';
import { configSource, runProgram, stopRequested } from '../process.ts';
import { useSmallHeap } from '../small-heap.ts';
import { leaveSoon } from '../stopping.ts';
import { version } from '../version.ts';
import { identityDirectory, keyFile, type RunningHost, startHost } from './host.ts';

/** Of the entry in `~/.river/config`. */
const contextName = 'river';

export async function main(): Promise<void> {
  const program = new Command()
    .description('The host of River: keeps what people want, and sees to it that it happens.')
    .version(`river-host ${version}`)
    .option('--config <file>', 'configuration (schemas/host.json); without it every field has its default')
    .action(() => serve(program.opts().config));
  program
    .command('backup')
    .description('Write a copy of the store to a new file, also while the host runs.')
    .argument('<file>')
    .action((file: string) => backup(settingsOf(program), resolve(file)));
  program
    .command('restore')
    .description('Make the store of an empty state directory from a backup.')
    .argument('<file>')
    .action((file: string) => restore(settingsOf(program), resolve(file)));
  program
    .command('token')
    .description('Print a config file for a person, who puts it into ~/.river/config (chmod 600).')
    .requiredOption('--admin <name>', 'who: may do everything')
    .requiredOption('--server <url>', 'where that person reaches this host, as in https://lab.example:8000')
    .option('--expires <time>', 'how long it is good, as in 30d (default: for ever)')
    .action((flags: TokenFlags) => token(settingsOf(program), flags));
  await runProgram('river-host', program);
}

function settingsOf(program: Command): HostSettings {
  return loadConfig('host', configSource(program.opts().config as string | undefined));
}

async function serve(file: string | undefined): Promise<void> {
  useSmallHeap();
  const settings = loadConfig('host', configSource(file));
  const logger = levelLogger(pinoLogger('debug'), settings.logLevel);
  const stop = stopRequested();
  const host = await startHost({ settings, clock: realClock, rng: realRng, logger, version });
  await writeAdminEntry(host);
  const { url, gatewayPort } = host;
  logger.info('the host serves', { url, gatewayPort, stateDir: settings.stateDir });
  const watcher = file === undefined ? undefined : await followConfig(file, settings, host, logger);
  await stop;
  logger.info('the host stops', {});
  await watcher?.close();
  if (!(await host.stop())) leaveSoon({ clock: realClock });
}

/** The person who starts the host may use it: an entry with a new token, at every start, in their own file. */
async function writeAdminEntry(host: RunningHost): Promise<void> {
  const token = host.tokenFor({ role: 'admin', name: userInfo().username });
  await writeKubeconfig(defaultConfigFile(homedir()), {
    name: contextName,
    server: host.url,
    ca: host.ca,
    token,
  });
}

function followConfig(file: string, settings: HostSettings, host: RunningHost, logger: LevelLogger) {
  return watchConfig('host', configSource(file), settings, {
    changed(change) {
      host.change(change.settings);
      logger.setLevel(change.settings.logLevel);
      logger.info('the configuration has changed', { live: change.live, afterRestart: change.restart });
    },
    failed: (error) => logger.error('the changed configuration is not good and is not used', { error }),
  });
}

async function backup(settings: HostSettings, file: string): Promise<void> {
  await backupDirectory(settings.stateDir, file);
  process.stdout.write(`${file} written\n`);
}

async function restore(settings: HostSettings, file: string): Promise<void> {
  const { clusterUid, epoch } = restoreBackup({ file, directory: settings.stateDir, rng: realRng });
  process.stdout.write(
    `${settings.stateDir} has the store of cluster ${clusterUid} again, in the new epoch ${epoch}\n`,
  );
}

interface TokenFlags {
  admin: string;
  server: string;
  expires?: string;
}

async function token(settings: HostSettings, { admin, server: url, expires }: TokenFlags): Promise<void> {
  if (admin === '') throw new RiverError('BadRequest', '--admin must say who: the log names them by it');
  const server = serverAddress(url);
  const expiresAt = expires === undefined ? undefined : realClock.now() + lifetimeMs(expires);
  const ca = authorityCertificate(identityDirectory(settings));
  const key = loadOrCreateKey(keyFile(settings), realRng);
  const made = createToken(key, { role: 'admin', name: admin }, realRng, expiresAt);
  process.stdout.write(await kubeconfigText({ name: contextName, server, ca, token: made }));
}

function lifetimeMs(text: string): number {
  try {
    const lifetime = parseDuration(text);
    if (lifetime > 0) return lifetime;
    throw new RiverError('BadRequest', `must be more than 0s; found ${text}`);
  } catch (error) {
    throw new RiverError('BadRequest', `--expires ${errorMessage(error)}`);
  }
}
