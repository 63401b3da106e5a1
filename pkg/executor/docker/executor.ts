import { join } from 'node:path';
import Docker from 'dockerode';
import { labels } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { engineMessage, engineStatus, unless } from '../../engine/index.ts';
import {
  type Execution,
  type ExecutionSpec,
  type Executor,
  isLive,
  type RuntimeProbe,
  usageOf,
} from '../index.ts';
import { Absences } from './absences.ts';
import { EngineAccess } from './access.ts';
import { createOptions } from './create-options.ts';
import { EngineEvents } from './events.ts';
import { cdiNames, needsEngine } from './gpus.ts';
import { Images, imageGone } from './images.ts';
import { initStartError } from './init-error.ts';
import { InterruptedStarts, startUnknown } from './interrupted-start.ts';
import { moveTo } from './move.ts';
import { containerName, type Owner } from './names.ts';
import { lostNote, missedNotes } from './notes.ts';
import { observedOf } from './observed.ts';
import type { DockerExecutorOptions } from './options.ts';
import { Outputs } from './output.ts';
import type { ParentGroups } from './parent-group.ts';
import { pullSilenceMs } from './patience.ts';
import { removeContainer } from './removal.ts';
import { Scripts } from './scripts.ts';
import {
  type Container,
  identity,
  isGoing,
  isUnstarted,
  readContainer,
  startErrorOf,
  toExecution,
} from './state.ts';

class DockerExecutor implements Executor {
  readonly runtime = 'docker';
  readonly #options: DockerExecutorOptions;
  readonly #access: EngineAccess;
  readonly #engine: Docker;
  readonly #images: Images;
  readonly #scripts: Scripts;
  readonly #outputs: Outputs;
  readonly #absences: Absences;
  readonly #events: EngineEvents;
  readonly #interrupted: InterruptedStarts;
  readonly #listeners = new Set<(runUid: string | undefined) => void>();

  constructor(options: DockerExecutorOptions) {
    const { clock, rng, logger, clusterUid, bootId, count } = options;
    this.#options = options;
    const streams = new Docker({ socketPath: options.socketPath });
    this.#access = new EngineAccess({
      options,
      onReached: () => this.#scripts.open().then(() => this.#events.open()),
      onAway: () => this.#absences.begin(),
    });
    this.#engine = this.#access.engine;
    this.#images = new Images(this.#engine, clock, this.#access.engineOf(pullSilenceMs));
    this.#scripts = new Scripts(join(options.stateDir, 'scripts'));
    this.#outputs = new Outputs({
      engine: streams,
      clock,
      rng,
      logger,
      count,
      onDrained: (uid) => this.#tell(uid),
    });
    this.#absences = new Absences(join(options.stateDir, 'absences.json'), { clock, logger });
    this.#events = new EngineEvents({
      ...{ engine: streams, clusterUid, clock, rng, logger, bootId, absences: this.#absences },
      onLost: () => count('engine_lost'),
      onDie: (runUid) => this.#ended(runUid),
      onReconnect: () => this.#tell(undefined),
    });
    this.#interrupted = new InterruptedStarts(this.#events, clock);
  }

  /** Told now only if nobody collects its output: else when that is complete. */
  #ended(runUid: string): void {
    if (!this.#outputs.finish(runUid)) this.#tell(runUid);
  }

  #tell(runUid: string | undefined): void {
    for (const listener of this.#listeners) listener(runUid);
  }

  probe(): Promise<RuntimeProbe> {
    return this.#access.probe();
  }

  async list(): Promise<Execution[]> {
    return this.#access.call(async () => {
      const filters = { label: [`${labels.cluster}=${this.#options.clusterUid}`] };
      const found = await this.#engine.listContainers({ all: true, filters });
      const executions: Execution[] = [];
      for (const one of found) {
        const execution = await this.inspect(one.Labels[labels.runUid] ?? '');
        if (execution) executions.push(execution);
      }
      return executions;
    });
  }

  async inspect(runUid: string): Promise<Execution | undefined> {
    return this.#access.call(async ({ groups }) => {
      const container = await this.#find(runUid);
      const owner = container && this.#ours(container, runUid);
      return owner && this.#observe(container, owner, groups);
    });
  }

  async usage(runUids: readonly string[]) {
    return usageOf(runUids, (runUid) => this.#access.groups?.live(runUid));
  }

  /** By name. */
  async #find(runUid: string): Promise<Container | undefined> {
    const container = this.#engine.getContainer(containerName(this.#options.clusterUid, runUid));
    const info = await unless([404], container.inspect());
    return info && readContainer(info);
  }

  #ours(container: Container, runUid: string): Owner | undefined {
    const { owner } = container;
    return owner?.runUid === runUid && owner.clusterUid === this.#options.clusterUid ? owner : undefined;
  }

  /** Ended is only what has ended and whose output is complete. */
  async #observe(container: Container, owner: Owner, groups: ParentGroups | undefined): Promise<Execution> {
    const execution = toExecution(container, owner, this.#options.bootId());
    if (execution.state === 'created' || execution.startError) return execution;
    this.#outputs.follow({ ...owner, id: container.id });
    if (isLive(execution)) return { ...execution, ...observedOf(container) };
    const { runUid, namespace, runName, startedAt } = execution;
    if (!this.#outputs.isDrained(runUid)) {
      this.#outputs.finish(runUid);
      return { runUid, namespace, runName, startedAt, state: 'running' };
    }
    const startError = await initStartError(execution, owner.errPath);
    if (startError) {
      const { exitCode: _ofTheInit, ...rest } = execution;
      return { ...rest, startError };
    }
    const usage = await groups?.usage(runUid);
    const hasRunOut = execution.signal === 'SIGKILL' && (await groups?.hasRunOut(runUid));
    return {
      ...{ ...execution, ...(hasRunOut ? { oomKilled: true } : {}), ...(usage ? { usage } : {}) },
      ...(await this.#noteOf(execution, container.id)),
    };
  }

  async #noteOf(execution: Execution, id: string): Promise<Pick<Execution, 'note'>> {
    const { runUid, note, startedAt = 0, finishedAt = Number.POSITIVE_INFINITY } = execution;
    const missed = this.#absences.during(startedAt, finishedAt);
    const isWhole = missed === undefined || (await this.#events.hasHeardAll(runUid, id));
    const notes = [note, lostNote(this.#outputs.lost(runUid)), isWhole ? undefined : missedNotes[missed]];
    const text = notes.filter((each) => each !== undefined).join(' ');
    return text === '' ? {} : { note: text };
  }

  async prepare(spec: ExecutionSpec, signal: AbortSignal): Promise<void> {
    await this.#access.call(() => this.#images.ensure(spec.image ?? '', signal));
  }

  async start(spec: ExecutionSpec): Promise<Execution> {
    return this.#access.call(async (facts) => {
      const scriptPath = this.#scripts.path(spec.runUid);
      if (spec.script !== undefined) await this.#scripts.write(spec.runUid, spec.script);
      this.#events.beginning(spec.runUid);
      const settings = {
        ...{ bootId: this.#options.bootId(), init: facts.init, scriptPath },
        cgroupParent: facts.groups?.name(spec.runUid),
        cdi: needsEngine(spec.gpus ?? []) ? cdiNames(await this.#access.gpuInfo()) : new Set<string>(),
      };
      try {
        const created = await this.#engine.createContainer(createOptions(spec, settings));
        return await this.#startCreated(spec, created.id);
      } catch (error) {
        if (engineStatus(error) === 409) return this.#startFound(spec, facts.groups);
        const startError = this.#refusedCreation(spec, error);
        if (startError === undefined) throw error;
        return { ...identity(spec), state: 'exited', startError };
      }
    });
  }

  /** Why the engine will never make this container; undefined when it may be tried again. */
  #refusedCreation(spec: ExecutionSpec, error: unknown): Execution['startError'] {
    const status = engineStatus(error);
    if (status === 404) {
      this.#images.forget(spec.image ?? '');
      throw imageGone(spec.image ?? '', error);
    }
    return status === 400 ? startErrorOf(engineMessage(error)) : undefined;
  }

  async #startCreated(spec: ExecutionSpec, id: string): Promise<Execution> {
    try {
      await unless([304], this.#engine.getContainer(id).start());
    } catch (error) {
      if (engineStatus(error) === undefined) throw error;
      // The engine keeps the reason in the container, where a later look finds it again.
      const after = await this.inspect(spec.runUid);
      if (after === undefined || after.state === 'created') {
        throw new RiverError(
          'ServiceUnavailable',
          `The Docker Engine could not start it now: ${engineMessage(error)}`,
          {},
          { cause: error },
        );
      }
      return after;
    }
    this.#outputs.follow({ ...spec, id });
    // The engine's own time comes with the next inspect; asking now would be one call more for every run.
    return { ...identity(spec), state: 'running', startedAt: this.#options.clock.now() };
  }

  /** The name is taken: by an earlier start of this run, or by somebody else. */
  async #startFound(spec: ExecutionSpec, groups: ParentGroups | undefined): Promise<Execution> {
    const container = await this.#find(spec.runUid);
    if (container === undefined) {
      throw new RiverError('ServiceUnavailable', 'The container of this run is just being made or removed.');
    }
    if (this.#ours(container, spec.runUid) === undefined) {
      const name = containerName(spec.clusterUid, spec.runUid);
      const message = `There is a container ${name} that river did not make: rename or remove it, and run the task again.`;
      return { ...identity(spec), state: 'exited', startError: { reason: 'NameTaken', message } };
    }
    if (!isUnstarted(container) || container.error !== '')
      return (await this.inspect(spec.runUid)) ?? { ...identity(spec), state: 'created' };
    const interrupted = await this.#interrupted.end(spec.runUid, container, groups);
    if (interrupted === undefined && !isGoing(container)) return this.#startCreated(spec, container.id);
    if (interrupted === 'may have run')
      return { ...identity(spec), state: 'exited', startError: startUnknown };
    await removeContainer(this.#engine, container);
    const message = isGoing(container)
      ? 'What an earlier start of the program had left is just being removed.'
      : 'The Docker Engine ended before it started the program.';
    throw new RiverError('ServiceUnavailable', message);
  }

  async adopt(spec: ExecutionSpec): Promise<void> {
    await this.inspect(spec.runUid);
  }

  async pause(runUid: string): Promise<void> {
    await this.#switch(runUid, 'running', (container) => container.pause());
  }

  async resume(runUid: string): Promise<void> {
    await this.#switch(runUid, 'paused', (container) => container.unpause());
  }

  async confine(runUid: string, cpus: string): Promise<void> {
    await this.#access.call(async () => {
      const container = await this.#find(runUid);
      if (container && this.#ours(container, runUid)) await moveTo(cpus, container, this.#engine);
    });
  }

  /** Only from this state. What the engine refuses because it has changed meanwhile, the next look shows. */
  async #switch(runUid: string, from: string, act: (container: Docker.Container) => Promise<unknown>) {
    await this.#access.call(async () => {
      const container = await this.#find(runUid);
      if (container?.status !== from || this.#ours(container, runUid) === undefined) return;
      await unless([304, 404, 409], act(this.#engine.getContainer(container.id)));
    });
  }

  async stop(runUid: string, graceMs: number): Promise<void> {
    await this.#access.call(async ({ groups }) => {
      const container = await this.#find(runUid);
      if (container === undefined || this.#ours(container, runUid) === undefined) return;
      const handle = this.#engine.getContainer(container.id);
      if (container.status === 'created') {
        await this.#interrupted.end(runUid, container, groups);
        // Gone for good, under this id: a start that is still on its way finds nothing. 409: it came first.
        const removed = await unless(
          [409],
          handle.remove().then(() => true),
        );
        if (removed) return;
      }
      // The engine lets a paused one go on, with the signal already there (moby: daemon/kill.go).
      const patient = this.#access.engineWithin(graceMs).getContainer(container.id);
      await Promise.all([
        unless([304, 404], patient.stop({ t: Math.ceil(graceMs / 1000) })),
        // A program that has halted itself would keep SIGTERM waiting.
        unless([404, 409], handle.kill({ signal: 'SIGCONT' })),
      ]);
      // Until then it is not shown as ended.
      await this.#outputs.drain(runUid);
    });
  }

  async remove(runUid: string): Promise<void> {
    await this.#access.call(async ({ groups }) => {
      const container = await this.#find(runUid);
      if (container && this.#ours(container, runUid)) {
        await this.#interrupted.end(runUid, container, groups);
        await removeContainer(this.#engine, container);
      }
      this.#outputs.forget(runUid);
      this.#events.forget(runUid);
      await groups?.remove(runUid);
      await this.#scripts.remove(runUid);
    });
  }

  onChange(listener: (runUid: string | undefined) => void): { close(): void } {
    this.#listeners.add(listener);
    return { close: () => this.#listeners.delete(listener) };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#events.close();
    await this.#outputs.close();
    await this.#access.close();
  }
}

/** Touches nothing before its first use. Raises ServiceUnavailable while the engine does not answer. */
export function dockerExecutor(options: DockerExecutorOptions): Executor {
  return new DockerExecutor(options);
}
