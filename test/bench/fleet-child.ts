/**
 * Many runners in one process, each as `river-runner` is: its own key, certificate, intents, session, watch and tunnel.
 *   node fleet-child.ts FOLDER FIRST COUNT CONFIG
 * FIRST is the number of the first one. CONFIG is a person's config file, whose token lets the machines join.
 */
import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { startRunner } from '../../cmd/runner/runner.ts';
import { type Logger, realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { createHttpClient, readKubeconfig } from '../../pkg/client/index.ts';
import { runnerSettings } from '../../pkg/config/index.ts';
import { keyOfCertificate, nodeKey, proveKey } from '../../pkg/identity/index.ts';
import { HostFiles } from '../../pkg/runner/index.ts';
import { inParallel } from './runs.ts';

const [folder = '', first = '', count = '', config = ''] = process.argv.slice(2);
const { server, ca, token } = await readKubeconfig(config);
const admin = createHttpClient({ server, ca, token, clock: realClock });
const seams = { clock: realClock, rng: realRng, version: 'bench' };
const logger: Logger = { ...silentLogger, error: console.error };

async function startOne(index: number): Promise<void> {
  const name = `fleet-${Number(first) + index}`;
  const stateDir = join(folder, name);
  const made = await admin.createJoinToken(name, {});
  const key = nodeKey(stateDir);
  const { certificate } = await admin.join(name, { token: made.token, ...proveKey(key, made.token) });
  if (keyOfCertificate(new X509Certificate(certificate)).node !== name)
    throw new Error(`${name} has not joined`);
  const runtimes = { docker: { enabled: false }, process: { enabled: true } };
  const settings = runnerSettings({ host: server, name, stateDir, runtimes }, name);
  const client = createHttpClient({ server, ca, credential: { certificate, key }, clock: realClock });
  const onEnded = (error: Error) => {
    console.error(`${name} has stopped`, error);
    process.exit(1);
  };
  const environments = (bandwidth: number) => new HostFiles({ ...seams, client, bandwidth });
  startRunner({ ...seams, settings, client, environments, logger, onEnded });
}

await inParallel(Number(count), 4, startOne);
admin.close();
process.once('SIGTERM', () => process.exit());
