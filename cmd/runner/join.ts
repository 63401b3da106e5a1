import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { errorMessage, RiverError, realClock } from '../../pkg/base/index.ts';
import { createHttpClient, fetchAuthority, serverAddress } from '../../pkg/client/index.ts';
import { loadConfig } from '../../pkg/config/index.ts';
import {
  fingerprintOf,
  type JoinClaims,
  keyOfCertificate,
  nodeKey,
  proveKey,
  readJoinToken,
  readNodeCredential,
  writeNodeCredential,
} from '../../pkg/identity/index.ts';
import { configSource } from '../process.ts';

export interface JoinFlags {
  url: string;
  token: string;
  replace: boolean;
  /** Left out: /etc/river/runner.yaml for root, else ~/.river/runner.yaml. */
  config?: string;
}

/**
 * Exchanges the token for the certificate of this machine's own key, and writes both and the configuration. Nothing
 * leaves the machine before the host has shown the authority whose hash is in the token.
 */
export async function joinHost({ url, token, replace, config }: JoinFlags): Promise<void> {
  const claims = readJoinToken(token);
  // Here already: what the configuration says of it names a line of a file.
  const server = serverAddress(url);
  const isRoot = process.getuid?.() === 0;
  const file = resolve(config ?? (isRoot ? '/etc/river/runner.yaml' : join(homedir(), '.river/runner.yaml')));
  const text = configText(file, server, claims.node, isRoot);
  const { stateDir } = loadConfig('runner', { ...configSource(file), readText: () => text });
  if (!replace) checkSame(stateDir, claims);
  const ca = await fetchAuthority(server, claims.ca, realClock);
  const key = keyIn(stateDir);
  const certificate = await exchange(server, ca, claims.node, { token, ...proveKey(key, token) });
  writeNodeCredential(stateDir, { key, certificate, ca });
  writeConfig(file, text);
  process.stdout.write(
    `this machine is node ${claims.node} of ${server} now; its key is in ${stateDir}, its configuration is ${file}\n` +
      `Start its runner: river-runner --config ${file}\n` +
      'or as a service of systemd: river init service --runner\n',
  );
}

async function exchange(
  server: string,
  ca: string,
  node: string,
  request: { token: string; publicKey: string; signature: string },
): Promise<string> {
  const client = createHttpClient({ server, ca, clock: realClock, userAgent: 'river-runner' });
  try {
    return (await client.join(node, request)).certificate;
  } catch (error) {
    // What the host says of a token is about the join token, not of one that this program has.
    const message = errorMessage(error).replace(/^the host at \S+ does not accept this token: /, '');
    throw error instanceof RiverError
      ? new RiverError(error.code, message, error.details, { cause: error })
      : error;
  } finally {
    client.close();
  }
}

/** A machine is one node of one host; to become another is for a person to decide. */
function checkSame(stateDir: string, claims: JoinClaims): void {
  const before = readNodeCredential(stateDir);
  if (before === undefined) return;
  const { node } = keyOfCertificate(new X509Certificate(before.certificate));
  const sameHost = fingerprintOf(before.ca) === claims.ca;
  if (sameHost && node === claims.node) return;
  throw new RiverError(
    'AlreadyExists',
    `this machine is node ${node} of ${sameHost ? 'this host' : 'another host'} already, with its state in ${stateDir}: end its runner and join with --replace`,
  );
}

function keyIn(stateDir: string): string {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    return nodeKey(stateDir);
  } catch (cause) {
    if (cause instanceof RiverError) throw cause;
    throw new RiverError(
      'Forbidden',
      `the state directory ${stateDir} cannot be made (${errorMessage(cause)}): name another one as stateDir in a file of --config, or make it`,
      {},
      { cause },
    );
  }
}

/** The file as it is with host and name in it, comments and all; a new one where there is none. */
function configText(file: string, host: string, name: string, isRoot: boolean): string {
  const existing = existsSync(file) ? readFileSync(file, 'utf8') : newConfig(host, name, isRoot);
  const document = parseDocument(existing);
  const [problem] = document.errors;
  if (problem) throw new RiverError('Invalid', `${file} cannot be read: ${problem.message}`);
  document.set('host', host);
  document.set('name', name);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}

/** An ordinary user has a state directory below the own home. */
function newConfig(host: string, name: string, isRoot: boolean): string {
  const stateDir = isRoot ? '/var/lib/river/runner' : join(homedir(), '.river/runner');
  return `# Every field: river init config --runner\nhost: ${host}\nname: ${name}\nstateDir: ${stateDir}\n`;
}

function writeConfig(file: string, text: string): void {
  try {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  } catch (error) {
    throw new RiverError(
      'Forbidden',
      `the machine has joined, but ${file} cannot be written: ${errorMessage(error)}; write it yourself:\n${text}`,
    );
  }
}
