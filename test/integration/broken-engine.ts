import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Docker from 'dockerode';
import { RiverError, realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import {
  containerName,
  type DockerExecutorOptions,
  dockerExecutor,
} from '../../pkg/executor/docker/index.ts';
import { ParentGroups } from '../../pkg/executor/docker/parent-group.ts';
import type { ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import {
  killEngine,
  makeTestImage,
  type OwnEngine,
  startEngine,
  startEngineIn,
  stopEngine,
  testImage,
} from '../env/engine.ts';
import { eventually, makeSpec, temporaryFolder } from './executor-parts.ts';

/** A Docker Engine that a test breaks, and the executors that have to live with it: all on one state directory. */
export class BrokenEngine {
  readonly clusterUid = realRng.uuid();
  readonly counted: string[] = [];
  readonly #folder = temporaryFolder();
  readonly #arguments: readonly string[];
  readonly #opened: Executor[] = [];
  readonly #starts = join(this.#folder.path, 'starts');
  #engine: OwnEngine | undefined;
  #count = 0;

  /** `engineArguments`: of dockerd. */
  constructor(engineArguments: readonly string[] = []) {
    this.#arguments = engineArguments;
  }

  async start(): Promise<void> {
    this.#engine = await startEngine(this.#arguments);
    await makeTestImage(this.#engine.socketPath);
  }

  get folder(): string {
    return this.#folder.path;
  }

  get engine(): OwnEngine {
    if (!this.#engine) throw new Error('the engine was not started');
    return this.#engine;
  }

  get docker(): Docker {
    return new Docker({ socketPath: this.engine.socketPath });
  }

  container({ runUid }: ExecutionSpec): Docker.Container {
    return this.docker.getContainer(containerName(this.clusterUid, runUid));
  }

  /** As a runner that starts on this machine. */
  open(more: Partial<DockerExecutorOptions> = {}): Executor {
    const executor = dockerExecutor({
      ...{ socketPath: this.engine.socketPath, stateDir: join(this.folder, 'docker') },
      ...{ clusterUid: this.clusterUid, clock: realClock, rng: realRng, logger: silentLogger },
      count: (event) => void this.counted.push(event),
      ...{ isRoot: true, bootId: () => 'this-boot' },
      ...more,
    });
    this.#opened.push(executor);
    return executor;
  }

  /** Notes each start in a file of the machine, and sees the folder. */
  shell(text: string, more: Partial<ExecutionSpec> = {}): ExecutionSpec {
    const runUid = `broken-${this.#count++}`;
    return makeSpec(this.folder, runUid, {
      ...{ clusterUid: this.clusterUid, runtime: 'docker', image: testImage },
      command: ['/bin/sh', '-c', `echo ${runUid} >>${this.#starts}; ${text}`],
      mounts: [{ source: this.folder, target: this.folder, readOnly: false }],
      ...more,
    });
  }

  timesStarted({ runUid }: ExecutionSpec): number {
    const starts = existsSync(this.#starts) ? readFileSync(this.#starts, 'utf8') : '';
    return starts.split('\n').filter((line) => line === runUid).length;
  }

  /** Answers when the program has noted its start. */
  async run(executor: Executor, spec: ExecutionSpec): Promise<void> {
    await executor.start(spec);
    await eventually('the start', async () => this.timesStarted(spec) === 1);
  }

  /** Kills it and starts it again. */
  async restart(meanwhile: () => void | Promise<void> = () => {}): Promise<void> {
    await killEngine(this.engine);
    await meanwhile();
    this.#engine = await startEngineIn(this.engine.folder, this.#arguments);
  }

  /** What an engine finds in its files that was killed after it had started programs, and before it had noted that. */
  async forgetStarts(specs: ExecutionSpec[]): Promise<void> {
    const containers = await Promise.all(specs.map((spec) => this.container(spec).inspect()));
    await this.restart(() => {
      for (const { Id } of containers) {
        const file = join(this.engine.folder, 'data/containers', Id, 'config.v2.json');
        const config = JSON.parse(readFileSync(file, 'utf8'));
        const never = '0001-01-01T00:00:00Z';
        config.State = { ...config.State, Running: false, Pid: 0, StartedAt: never, FinishedAt: never };
        config.HasBeenStartedBefore = false;
        writeFileSync(file, JSON.stringify(config));
      }
    });
  }

  /** Pids in the control group of this run, as the kernel shows them. */
  async programs({ runUid }: ExecutionSpec): Promise<number[]> {
    const version = existsSync('/sys/fs/cgroup/cgroup.controllers') ? 2 : 1;
    const clusterUid = this.clusterUid;
    const groups = new ParentGroups({ root: '/sys/fs/cgroup', clusterUid, driver: 'cgroupfs', version });
    return (await groups.members(runUid)) ?? [];
  }

  /** As runners that end. */
  async closeExecutors(): Promise<void> {
    for (const executor of this.#opened.splice(0)) await executor.close();
  }

  async close(): Promise<void> {
    await this.closeExecutors();
    if (this.#engine) await stopEngine(this.#engine);
    this.#folder.remove();
  }
}

/** Asks again, as a runner does, what may be refused for a moment. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const answer = await eventually('an answer', () =>
    ask().then(
      (of) => ({ of }),
      (error: unknown) => {
        if (error instanceof RiverError && error.transient) return undefined;
        throw error;
      },
    ),
  );
  return answer.of;
}
