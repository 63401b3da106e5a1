import type { HttpClient } from '../../../pkg/client/index.ts';
import {
  killEngine,
  makeTestImage,
  type OwnEngine,
  startEngine,
  startEngineIn,
  stopEngine,
} from '../../env/engine.ts';
import { addressOf, joinMachine, startHost, writeHostConfig, writeRunnerConfig } from '../machines.ts';
import { type Running, Sandbox } from '../sandbox.ts';

export type Victim = 'host' | 'runner' | 'dockerd';

/** Programs go on without it, as on a machine that is meant to be left alone. */
const engineArguments = ['--live-restore'];

/** A host and a runner that share no directory, and a Docker Engine; each can be killed and comes back where it was. */
export class FaultyCluster {
  readonly sandbox = new Sandbox();
  #host: Running | undefined;
  #runner: Running | undefined;
  #engine: OwnEngine | undefined;
  #client: HttpClient | undefined;

  /** `withEngine`: false where none can be started. */
  async start(withEngine: boolean): Promise<void> {
    if (withEngine) {
      this.#engine = await startEngine(engineArguments);
      await makeTestImage(this.#engine.socketPath);
    }
    const { sandbox } = this;
    const lines = ['leaseDuration: 5s', 'defaults: {runtime: process}'];
    this.#host = await startHost(sandbox, ['listen: {port: 0}', ...lines]);
    const { server, port, gatewayPort } = addressOf(this.#host);
    writeHostConfig(sandbox, [`listen: {port: ${port}}`, `gateway: {port: ${gatewayPort}}`, ...lines]);
    this.#client = await sandbox.client();
    const docker = this.#engine ? `{socket: ${this.#engine.socketPath}}` : '{enabled: false}';
    writeRunnerConfig(sandbox, 'node', [`runtimes: {process: {enabled: true}, docker: ${docker}}`]);
    await joinMachine(sandbox, 'node', server);
    this.#runner = this.#startRunner();
    await this.#runner.says('the tunnel to the host is open');
  }

  get client(): HttpClient {
    if (!this.#client) throw new Error('the cluster has not started');
    return this.#client;
  }

  /** Kills it at once and starts it again; answers when the new one is starting, dockerd when it answers. */
  async kill(victim: Victim): Promise<void> {
    if (victim === 'host') {
      await this.#host?.stop('SIGKILL');
      this.#host = this.sandbox.start('host', ['--config', 'host.yaml']);
    } else if (victim === 'runner') {
      await this.#runner?.stop('SIGKILL');
      this.#runner = this.#startRunner();
    } else await this.#killEngine();
  }

  async close(): Promise<void> {
    await this.sandbox.close();
    if (this.#engine) await stopEngine(this.#engine);
  }

  async #killEngine(): Promise<void> {
    const engine = this.#engine;
    if (!engine) throw new Error('there is no engine to kill');
    await killEngine(engine);
    this.#engine = await startEngineIn(engine.folder, engineArguments);
  }

  #startRunner(): Running {
    return this.sandbox.start('runner', ['--config', 'node.yaml']);
  }
}
