import type { Running, Sandbox } from './sandbox.ts';

/** Hosts and runners as on machines of their own: what is in their files, how they join, and where they are. */

/** For a runner: what it runs, needs nothing of the machine. */
export const processesOnly = 'runtimes: {process: {enabled: true}, docker: {enabled: false}}';

/** Writes `host.yaml` with these lines, a state directory, and a gateway on a free port unless they say another one. */
export function writeHostConfig(sandbox: Sandbox, lines: readonly string[]): void {
  // With a port of its own for the API a host takes the usual one for this, which another file may have.
  const gateway = lines.some((line) => line.startsWith('gateway:')) ? [] : ['gateway: {port: 0}'];
  sandbox.write('host.yaml', [`stateDir: ${sandbox.path('host')}`, ...gateway, ...lines, ''].join('\n'));
}

/** Answers when it serves. `from`: where other bundles are than those of this run. */
export async function startHost(sandbox: Sandbox, lines: readonly string[], from?: string): Promise<Running> {
  writeHostConfig(sandbox, lines);
  const host = sandbox.start('host', ['--config', 'host.yaml'], {}, from);
  await host.says('the host serves');
  return host;
}

/** Where a host serves, as it says itself: of ports that are 0 it has picked free ones. */
export function addressOf(host: Running): { server: string; port: number; gatewayPort: number } {
  const server = /"url":"([^"]+)"/.exec(host.stderr)?.[1] ?? '';
  const gatewayPort = Number(/"gatewayPort":(\d+)/.exec(host.stderr)?.[1]);
  return { server, port: Number(new URL(server).port), gatewayPort };
}

/** Writes `<name>.yaml` of a runner with these lines and a state directory; to join completes it. */
export function writeRunnerConfig(sandbox: Sandbox, name: string, lines: readonly string[]): void {
  sandbox.write(`${name}.yaml`, [`stateDir: ${sandbox.path(name)}`, ...lines, ''].join('\n'));
}

/** What a person does on a new machine: a token of the host, and `join` with it into `<name>.yaml`. */
export async function joinMachine(sandbox: Sandbox, name: string, server: string): Promise<void> {
  const token = (await sandbox.ok('token', 'create', '--node', name)).trim();
  const { code, stderr } = await sandbox.run('runner', ['--config', `${name}.yaml`, 'join', server, token]);
  if (code !== 0) throw new Error(`${name} could not join: ${stderr}`);
}
