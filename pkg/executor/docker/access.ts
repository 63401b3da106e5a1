import { access } from 'node:fs/promises';
import Docker from 'dockerode';
import { errorMessage, RiverError } from '../../base/index.ts';
import { engineError, engineStatus, isUnanswered } from '../../engine/index.ts';
import type { RuntimeProbe } from '../index.ts';
import { type GpuInfo, gpuNote } from './gpus.ts';
import type { DockerExecutorOptions } from './options.ts';
import { ParentGroups } from './parent-group.ts';
import { answeredWithin, answerWithinMs, EngineHangs, probeWithinMs } from './patience.ts';

/** What was found out about the engine when it was first reached. */
export interface EngineFacts {
  init: boolean;
  groups: ParentGroups | undefined;
}

export interface AccessParts {
  options: DockerExecutorOptions;
  /** What has to work as well, once the engine has answered. */
  onReached: () => Promise<void>;
  /** It could not be reached. */
  onAway: () => void;
}

/** The way to the machine's engine: reached when it is first needed, and again after it was not. */
export class EngineAccess {
  readonly engine: Docker;
  readonly #parts: AccessParts;
  #opened: Promise<EngineFacts> | undefined;
  #groups: ParentGroups | undefined;

  constructor(parts: AccessParts) {
    this.#parts = parts;
    this.engine = this.engineWithin(0);
  }

  /** Gives an answer up when the engine is silent for longer than its work may take on top of the usual. */
  engineWithin(workMs: number): Docker {
    return this.engineOf(workMs + (this.#parts.options.answerWithinMs ?? answerWithinMs));
  }

  engineOf(silenceMs: number): Docker {
    return new Docker({ socketPath: this.#parts.options.socketPath, timeout: silenceMs });
  }

  /** Once they are known. */
  get groups(): ParentGroups | undefined {
    return this.#groups;
  }

  /** Every call of the engine goes through here: facts first, and its errors become ours. */
  async call<T>(act: (facts: EngineFacts) => Promise<T>): Promise<T> {
    try {
      this.#opened ??= this.#open();
      return await act(await this.#opened);
    } catch (error) {
      const { count, socketPath } = this.#parts.options;
      if (isUnanswered(error)) count('engine_unanswered');
      throw engineError(error, socketPath);
    }
  }

  async #open(): Promise<EngineFacts> {
    const { onReached, onAway } = this.#parts;
    try {
      const info = await this.#info();
      const groups = await this.#findGroups(info.CgroupDriver, info.CgroupVersion);
      this.#groups = groups;
      await onReached();
      return { init: info.InitCommit?.ID !== 'N/A', groups };
    } catch (error) {
      this.#opened = undefined;
      if (engineStatus(error) === undefined) onAway();
      throw error;
    }
  }

  /** As it is now. */
  #info() {
    const { clock, answerWithinMs: withinMs = probeWithinMs } = this.#parts.options;
    return answeredWithin(clock, withinMs, () => this.engine.info());
  }

  /** Which GPUs it knows may change at any time. */
  async gpuInfo(): Promise<GpuInfo> {
    return (await this.engine.info()) as GpuInfo;
  }

  async #findGroups(driver: string, version: string): Promise<ParentGroups | undefined> {
    const { isRoot, clusterUid, cgroupRoot: root = '/sys/fs/cgroup' } = this.#parts.options;
    const readable = await isThere(root);
    if (!isRoot || !readable || (driver !== 'cgroupfs' && driver !== 'systemd')) return undefined;
    return new ParentGroups({ root, clusterUid, driver, version: version === '2' ? 2 : 1 });
  }

  /** Never throws. */
  async probe(): Promise<RuntimeProbe> {
    try {
      return await this.call(async ({ groups }) => {
        const info = await this.#info();
        const usage = groups
          ? ''
          : ' Peak memory and CPU time are not known: the runner is not root or cannot read control groups.';
        return {
          ready: true,
          reason: 'EngineReady',
          message: `The Docker Engine answers.${usage}${gpuNote(info as GpuInfo)}`,
          version: info.ServerVersion,
          // An engine in a virtual machine names a folder that is not here.
          ...((await isThere(info.DockerRootDir)) ? { dataDir: info.DockerRootDir } : {}),
        };
      });
    } catch (error) {
      const isHanging = error instanceof RiverError && error.cause instanceof EngineHangs;
      const reason = isHanging ? 'EngineHangs' : 'EngineUnreachable';
      return { ready: false, reason, message: errorMessage(error) };
    }
  }

  async close(): Promise<void> {
    await this.#opened?.catch(() => undefined);
    await this.#groups?.close();
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
