import { mkdirSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { isConditionTrue } from '../../pkg/api/index.ts';
import { LocalClient } from '../../pkg/apiserver/index.ts';
import { errorMessage, levelLogger, type RiverError, realClock, realRng } from '../../pkg/base/index.ts';
import { pinoLogger } from '../../pkg/base/pino-logger.ts';
import { type CliIo, configFile, type DevFlags, exitCodes } from '../../pkg/cli/index.ts';
import { writeKubeconfig } from '../../pkg/client/index.ts';
import { type HostSettings, loadConfig, type RunnerSettings } from '../../pkg/config/index.ts';
import { environmentDirectory } from '../../pkg/environment/index.ts';
import { EnvironmentDirectory } from '../../pkg/runner/index.ts';
import { type RunningHost, startHost } from '../host/host.ts';
import { type RunningRunner, startRunner } from '../runner/runner.ts';
import { leaveSoon } from '../stopping.ts';
import { version } from '../version.ts';

/** Of the entry in `~/.river/config`. */
const contextName = 'river-dev';

/** Host and runner in this process, until the signal aborts. What runs goes on, and is found again at the next start. */
export async function dev(io: CliIo, flags: DevFlags): Promise<number> {
  const settings = devSettings(io, flags);
  const logger = levelLogger(pinoLogger('debug'), settings.host.logLevel);
  const seams = { clock: realClock, rng: realRng, logger, version };
  let host: RunningHost | undefined;
  let runner: RunningRunner | undefined;
  try {
    mkdirSync(join(settings.stateDir, 'shared'), { recursive: true, mode: 0o700 });
    host = await startHost({ ...seams, settings: settings.host });
    const ended = Promise.withResolvers<RiverError>();
    const client = new LocalClient(host.service, { role: 'node', name: settings.runner.name });
    const directory = environmentDirectory(settings.host);
    runner = startRunner({
      ...{ ...seams, settings: settings.runner, client, onEnded: ended.resolve },
      environments: () => new EnvironmentDirectory(directory),
    });
    const config = configFile(io, flags.config);
    const token = host.tokenFor({ role: 'admin', name: userInfo().username });
    await writeKubeconfig(config, { name: contextName, server: host.url, ca: host.ca, token });
    await io.stdout.write(
      `River ${version}: host on ${host.url}, state in ${settings.stateDir}, token in ${config}\n`,
    );
    const error = await Promise.race([ended.promise, greet(io, host, settings.runner)]);
    if (error) throw error;
    return exitCodes.ok;
  } catch (error) {
    await io.stderr.write(`river: ${errorMessage(error)}\n`);
    return exitCodes.failed;
  } finally {
    const ended = [await runner?.stop(), await host?.stop()];
    if (ended.includes(false)) leaveSoon(seams);
  }
}

interface DevSettings {
  stateDir: string;
  host: HostSettings;
  runner: RunnerSettings;
}

/** What a configuration file would say. RIVER_HOST_… and RIVER_RUNNER_… variables have the last word, as everywhere. */
function devSettings(io: CliIo, flags: DevFlags): DevSettings {
  const stateDir = flags.stateDir ? resolve(io.cwd, flags.stateDir) : join(io.homeDir, '.river/dev');
  const shared = { sharedDir: join(stateDir, 'shared'), logLevel: 'warn' };
  const hostFile = {
    ...shared,
    stateDir: join(stateDir, 'host'),
    listen: { port: Number(flags.port ?? 8000) },
    // Another one than the usual of the API means that another River is on this machine.
    gateway: flags.port === undefined ? {} : { port: 0 },
    defaults: { runtime: 'process' },
    docker: dockerOf(io),
  };
  const runnerFile = {
    ...shared,
    host: 'https://127.0.0.1:8000',
    stateDir: join(stateDir, 'runner'),
    runtimes: { process: { enabled: true }, docker: dockerOf(io) },
  };
  const load = <K extends 'host' | 'runner'>(kind: K, content: object) =>
    loadConfig(kind, {
      file: 'river dev',
      env: io.env,
      readText: () => JSON.stringify(content),
      hostname: hostname(),
    });
  return { stateDir, host: load('host', hostFile), runner: load('runner', runnerFile) };
}

/** The engine that the docker command would use, when it is one on this machine. */
function dockerOf(io: CliIo): { socket?: string } {
  const socket = /^unix:\/\/(\/.+)$/.exec(io.env.DOCKER_HOST ?? '')?.[1];
  return socket ? { socket } : {};
}

/** Says when there is a node to work on, with so many runtimes to be tried, then waits for the end. */
async function greet(
  io: CliIo,
  host: RunningHost,
  { name: node, runtimes }: RunnerSettings,
): Promise<undefined> {
  const client = new LocalClient(host.service, { role: 'admin', name: contextName });
  const allowed = Object.values(runtimes).filter(({ enabled }) => enabled).length;
  const { promise: ready, resolve: tell } = Promise.withResolvers<string[]>();
  const watch = client.watch(
    'Node',
    { fieldSelector: `metadata.name=${node}` },
    {
      event: ({ object }) => {
        const { conditions = [], runtimes: working = [] } = object.status ?? {};
        const probed = conditions.filter(({ type }) => /^(Docker|Systemd|Process)Ready$/.test(type));
        if (probed.length === allowed && isConditionTrue(conditions, 'Ready')) tell(working);
      },
      closed: () => {},
    },
  );
  const stopped = new Promise<void>((done) => {
    if (io.signal.aborted) done();
    io.signal.addEventListener('abort', () => done(), { once: true });
  });
  await Promise.race([stopped, ready.then((working) => sayReady(io, node, working))]);
  watch.close();
  await stopped;
  return undefined;
}

function sayReady(io: CliIo, node: string, runtimes: readonly string[]): Promise<void> {
  const next = ['apply -f manifests/examples/hello.yaml', 'get tasks -w', 'logs -f task/hello'];
  const lines = [
    `Ready: node ${node} runs ${runtimes.join(' and ') || 'nothing yet'}. In another terminal:`,
    ...next.map((words) => `  river ${words}`),
    'Ctrl-C ends River; what runs goes on and is found again at the next start.',
  ];
  return io.stdout.write(`${lines.join('\n')}\n`);
}
