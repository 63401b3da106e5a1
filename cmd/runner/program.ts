import { X509Certificate } from 'node:crypto';
import { Command } from 'commander';
import { levelLogger, RiverError, realClock, realRng } from '../../pkg/base/index.ts';
import { pinoLogger } from '../../pkg/base/pino-logger.ts';
import { createHttpClient } from '../../pkg/client/index.ts';
import { loadConfig, type RunnerSettings, watchConfig } from '../../pkg/config/index.ts';
import { keyOfCertificate, type NodeCredential, readNodeCredential } from '../../pkg/identity/index.ts';
import { HostFiles } from '../../pkg/runner/index.ts';
import { configSource, runProgram, stopRequested } from '../process.ts';
import { useSmallHeap } from '../small-heap.ts';
import { leaveSoon } from '../stopping.ts';
import { version } from '../version.ts';
import { startRunner } from './runner.ts';

export async function main(): Promise<void> {
  const program = new Command()
    .description('The runner of River: runs on this machine what the host has bound to it.')
    .version(`river-runner ${version}`)
    .option('--config <file>', 'configuration (schemas/runner.json)')
    .action(() => serve(program.opts().config));
  program
    .command('join')
    .description(
      'Make this machine a node of a host, which has made the token: river token create --node NAME.',
    )
    .argument('<url>', 'of the host, as in https://lab.example:8000')
    .argument('<token>')
    .option('--replace', 'also when this machine is already a node of another host, or under another name')
    .action(async (url: string, token: string, flags: { replace?: boolean }) => {
      const { joinHost } = await import('./join.ts');
      await joinHost({ url, token, replace: flags.replace === true, config: program.opts().config });
    });
  await runProgram('river-runner', program);
}

async function serve(file: string | undefined): Promise<void> {
  useSmallHeap();
  const settings = loadConfig('runner', configSource(file));
  const logger = levelLogger(pinoLogger('debug'), settings.logLevel);
  const credential = joinedAs(settings);
  const seams = { clock: realClock, rng: realRng, logger, version };
  const client = createHttpClient({
    server: settings.host,
    ca: credential.ca,
    credential,
    clock: realClock,
    userAgent: `river-runner/${version}`,
  });
  const environments = (bandwidth: number) => new HostFiles({ ...seams, client, bandwidth });
  const ended = Promise.withResolvers<RiverError>();
  const stop = stopRequested();
  const runner = startRunner({ ...seams, settings, client, environments, onEnded: ended.resolve });
  logger.info('the runner works', { node: settings.name, host: settings.host });
  const watcher =
    file === undefined
      ? undefined
      : await watchConfig('runner', configSource(file), settings, {
          changed(change) {
            logger.setLevel(change.settings.logLevel);
            logger.info('the configuration has changed', { live: change.live, afterRestart: change.restart });
            if (change.live.some((key) => key !== 'logLevel')) void runner.restart(change.settings);
          },
          failed: (error) => logger.error('the changed configuration is not good and is not used', { error }),
        });
  const error = await Promise.race([ended.promise, stop]);
  logger.info('the runner stops; what runs goes on', {});
  await watcher?.close();
  if (!(await runner.stop())) leaveSoon(seams);
  client.close();
  if (error) throw error;
}

/** What `join` has left in the state directory. Raises when it is of another name than the configuration's. */
function joinedAs({ stateDir, name }: RunnerSettings): NodeCredential {
  const credential = readNodeCredential(stateDir);
  if (!credential) throw notJoined();
  const { node } = keyOfCertificate(new X509Certificate(credential.certificate));
  if (node === name) return credential;
  throw new RiverError(
    'Invalid',
    `this machine has joined as node ${node}, and its configuration says ${name}: write name: ${node}, or join anew under the other name`,
  );
}

function notJoined(): RiverError {
  return new RiverError(
    'Unauthorized',
    'this machine has not joined a host yet: river token create --node NAME there, then river-runner join URL TOKEN here, with the --config of this start',
  );
}
