import { mkdtemp, rename, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, errorMessage, type Logger, RiverError } from '../../base/index.ts';
import {
  type Execution,
  type ExecutionSpec,
  type Executor,
  isLive,
  type RuntimeProbe,
  usageOf,
} from '../index.ts';
import {
  Affinity,
  gpusOf,
  groupsOf,
  groupUsage,
  haltBySignals,
  isAlive,
  isHaltedBySignals,
  readObserved,
  resumeBySignals,
} from '../kernel/index.ts';
import {
  type Claim,
  ExitWatch,
  goneOf,
  hasNotEnded,
  knownOf,
  Opening,
  prepareCommand,
  Records,
  type RunRecord,
  removedMeanwhile,
  stoppedBefore,
  untilEnded,
  untilFound,
} from '../records/index.ts';
import { parseExitRecord } from './exit-record.ts';
import { Manager } from './manager.ts';
import { runUidOf, unitName, unitPrefix } from './names.ts';
import { ownerOf, serviceProperties } from './properties.ts';
import { launchText, recorderText } from './scripts.ts';
import { serviceMembers, usageFolders } from './service-group.ts';
import type { Unit } from './unit.ts';

export interface SystemdExecutorOptions {
  /** Its own folder, on a local disk; made when missing. */
  stateDir: string;
  clusterUid: string;
  clock: Clock;
  logger: Logger;
  /** The machine's boot id, as `/proc/sys/kernel/random/boot_id` has it. */
  bootId: () => string;
  /** PATH, HOME and LANG of the runner; what a Run sets wins. */
  baseEnv: Record<string, string>;
  /** Whether this process is root: nobody else may make services of the system. */
  isRoot: boolean;
  /** For what a program leaves in the background at its end: between SIGTERM and SIGKILL. */
  stopGraceMs: number;
  /** After it a manager that has not answered counts as hanging. Default 10 s. */
  answerWithinMs?: number;
}

/** A service that is executed makes its claim at once, unless the disk hangs. */
const claimWithinMs = 10_000;

class SystemdExecutor implements Executor {
  readonly runtime = 'systemd';
  readonly #options: SystemdExecutorOptions;
  readonly #records: Records;
  readonly #affinity: Affinity;
  readonly #manager: Manager;
  readonly #watch: ExitWatch;
  readonly #opening: Opening<void>;

  constructor(options: SystemdExecutorOptions) {
    this.#options = options;
    this.#affinity = new Affinity(options.baseEnv.PATH ?? '/usr/bin:/bin');
    this.#records = new Records(options.stateDir, parseExitRecord);
    this.#manager = new Manager(options.baseEnv.PATH ?? '/usr/bin:/bin', options.answerWithinMs ?? 10_000);
    this.#watch = new ExitWatch(this.#records.exits, options.clock, options.logger);
    this.#opening = new Opening('systemd', options.stateDir, () => this.#openNow());
  }

  async #openNow(): Promise<void> {
    await this.#records.open();
    await replaceFile(this.#recorder(), recorderText);
    this.#watch.open((uid) => this.inspect(uid));
  }

  #recorder(): string {
    return join(this.#options.stateDir, 'recorder');
  }

  #unitName(runUid: string): string {
    return unitName(this.#options.clusterUid, runUid);
  }

  async probe(): Promise<RuntimeProbe> {
    try {
      if (!this.#options.isRoot)
        throw new RiverError('Forbidden', 'Only a runner that is root can make services of the system.');
      await this.#opening.get();
      await this.#records.checkWritable();
      const { version, state } = await this.#manager.version();
      if (state === 'stopping')
        return { ready: false, reason: 'SystemdStopping', message: 'This machine shuts down.', version };
      return { ready: true, reason: 'SystemdAnswers', message: `systemd ${version} answers.`, version };
    } catch (error) {
      return { ready: false, reason: 'SystemdUnusable', message: errorMessage(error) };
    }
  }

  async list(): Promise<Execution[]> {
    await this.#opening.get();
    const { clusterUid } = this.#options;
    const units = await this.#manager.units(`${unitPrefix(clusterUid)}*.service`);
    const named = [...units.keys()].map((name) => runUidOf(clusterUid, name));
    const uids = new Set([...named.filter((uid) => uid !== undefined), ...(await this.#records.uids())]);
    // Each by itself: what the manager has said above is old by now, and no end is judged by it.
    const found = await Promise.all([...uids].map((uid) => this.inspect(uid)));
    return found.filter((execution) => execution !== undefined);
  }

  async inspect(runUid: string): Promise<Execution | undefined> {
    await this.#opening.get();
    const record = this.#records.read(runUid);
    if (record === undefined || record.clusterUid !== this.#options.clusterUid) {
      const stray = await this.#manager.unit(this.#unitName(runUid));
      return stray && withoutRecord(runUid, stray);
    }
    const execution = await this.#observe(record);
    this.#watch.seen(runUid, execution);
    return execution;
  }

  async usage(runUids: readonly string[]) {
    return usageOf(runUids, (runUid) => {
      const claim = this.#records.claim(runUid);
      if (!claim || claim.empty || !isAlive(claim.pid, claim.startTime)) return undefined;
      return groupUsage(usageFolders(groupsOf(claim.pid), this.#unitName(runUid)));
    });
  }

  /** Asks the manager only when the disk and the kernel do not say enough. */
  async #observe(record: RunRecord): Promise<Execution> {
    const { runUid } = record;
    const known = knownOf(this.#records, record, this.#options.bootId());
    const { base, claim, over } = known;
    if (over) return over;
    if (isProgramAlive(claim))
      return { ...base, ...observedOf(claim), state: (await this.#isHalted(runUid)) ? 'paused' : 'running' };
    const unit = await this.#manager.unit(this.#unitName(runUid));
    if (unit?.live) return { ...base, state: 'running' };
    const gone = goneOf(this.#records, known);
    if (gone.unknownEnd !== 'RecordLost') return gone;
    // It may have begun between the two looks.
    if (claim === undefined)
      return this.#records.claim(runUid) ? this.#observe(record) : { ...base, state: 'created' };
    const note = 'Its end could not be recorded; systemd still knew it.';
    return unit?.end ? { ...base, state: 'exited', ...unit.end, note } : gone;
  }

  async prepare(): Promise<void> {}

  async start(spec: ExecutionSpec): Promise<Execution> {
    await this.#opening.get();
    const before = await this.inspect(spec.runUid);
    if (before && before.state !== 'created') return before;
    try {
      if (before === undefined) await this.#records.write(spec, this.#options.bootId());
      // What is left of a try that did not come as far as its claim.
      else await this.#manager.forget(this.#unitName(spec.runUid));
      return await this.#launch(spec);
    } catch (error) {
      if (error instanceof RiverError) throw error;
      throw notNow(errorMessage(error), error);
    }
  }

  async #launch(spec: ExecutionSpec): Promise<Execution> {
    const { runUid } = spec;
    const folder = this.#records.folder(runUid);
    const env = { ...this.#options.baseEnv, ...spec.env };
    const command = await prepareCommand(spec, folder, env);
    if ('startError' in command) {
      await this.#records.giveUp(runUid, command.startError);
      return this.#found(runUid);
    }
    const launch = join(folder, 'launch');
    await replaceFile(
      launch,
      launchText({ folder, bootId: this.#options.bootId(), env, argv: command.argv }),
    );
    const name = this.#unitName(runUid);
    const recorder = ['/bin/sh', this.#recorder(), folder, this.#records.exitPath(runUid), name];
    const { stopGraceMs } = this.#options;
    const properties = serviceProperties(spec, { workingDir: command.workingDir, recorder, stopGraceMs });
    const refusal = await this.#manager.start(name, properties, ['/bin/sh', launch]);
    const execution = await this.#claimed(runUid);
    if (execution.state === 'created') throw notNow(refusal ?? 'there is no room for its claim');
    return execution;
  }

  /** Once the service has claimed the run, or is known not to. */
  async #claimed(runUid: string): Promise<Execution> {
    const { clock } = this.#options;
    const deadline = clock.monotonic() + claimWithinMs;
    return untilFound(clock, async () => {
      const execution = await this.#found(runUid);
      const isWaiting = execution.state === 'running' && this.#records.claim(runUid) === undefined;
      return isWaiting && clock.monotonic() <= deadline ? undefined : execution;
    });
  }

  async #found(runUid: string): Promise<Execution> {
    const execution = await this.inspect(runUid);
    if (execution) return execution;
    throw removedMeanwhile(runUid);
  }

  async adopt(spec: ExecutionSpec): Promise<void> {
    await this.inspect(spec.runUid);
  }

  async #isHalted(runUid: string): Promise<boolean> {
    return this.#records.isPaused(runUid) && isHaltedBySignals(() => this.#members(runUid));
  }

  /** Everything in the control group of the service, as long as its program is in it. */
  async #members(runUid: string): Promise<number[]> {
    const claim = this.#records.claim(runUid);
    return claim && !claim.empty && isAlive(claim.pid, claim.startTime)
      ? serviceMembers(claim.pid, this.#unitName(runUid))
      : [];
  }

  /** Its mark first: whoever comes after a crash must not take it for a program that halted itself. */
  async pause(runUid: string): Promise<void> {
    if (!isLive(await this.inspect(runUid))) return;
    await this.#records.setPaused(runUid, true);
    await haltBySignals(this.#options.clock, () => this.#members(runUid));
  }

  async resume(runUid: string): Promise<void> {
    if (!this.#records.isPaused(runUid)) return;
    await resumeBySignals(() => this.#members(runUid));
    await this.#records.setPaused(runUid, false);
  }

  /** The group first, where it has CPUs of its own (version 2): affinity cannot be wider than that. */
  async confine(runUid: string, cpus: string): Promise<void> {
    if (!isLive(await this.inspect(runUid))) return;
    await this.#manager.allowCpus(this.#unitName(runUid), cpus);
    await this.#affinity.confine(runUid, cpus, () => this.#members(runUid));
  }

  async stop(runUid: string, graceMs: number): Promise<void> {
    let asked = false;
    await untilEnded(this.#options.clock, graceMs, {
      isLeft: () => this.#isLeft(runUid),
      end: async (isOver) => {
        if (isOver) await this.#kill(runUid);
        else if (!asked) await this.#ask(runUid);
        asked = true;
      },
    });
    this.#watch.tell(runUid);
  }

  /** Also takes the claim of what has not begun, or was ended before it came to its claim: it never begins then. */
  async #isLeft(runUid: string): Promise<boolean> {
    const execution = await this.inspect(runUid);
    if (execution?.state !== 'created') return isLive(execution);
    await this.#records.giveUp(runUid, stoppedBefore);
    return this.#isLeft(runUid);
  }

  async #ask(runUid: string): Promise<void> {
    await this.#manager.kill(this.#unitName(runUid), 'SIGTERM');
    // A process that is halted would keep SIGTERM waiting.
    await this.#manager.kill(this.#unitName(runUid), 'SIGCONT');
    await this.#records.setPaused(runUid, false);
  }

  /** SIGKILL to everything of the service, but not to the writer of its record, who is then all that is left. */
  async #kill(runUid: string): Promise<void> {
    const name = this.#unitName(runUid);
    const unit = await this.#manager.unit(name);
    if (unit?.live && !unit.recording) await this.#manager.kill(name, 'SIGKILL');
  }

  async remove(runUid: string): Promise<void> {
    if (isLive(await this.inspect(runUid))) throw hasNotEnded(runUid);
    const record = this.#records.read(runUid);
    if (record === undefined || record.bootId === this.#options.bootId()) await this.#forget(runUid);
    this.#affinity.forget(runUid);
    await this.#records.remove(runUid);
  }

  /** The service goes on for a moment after its record is written, and would stay as failed if it were let go before. */
  async #forget(runUid: string): Promise<void> {
    const name = this.#unitName(runUid);
    const isFailed = await untilFound(this.#options.clock, async () => {
      const unit = await this.#manager.unit(name);
      return unit?.live ? undefined : unit?.failed === true;
    });
    if (isFailed) await this.#manager.forget(name);
  }

  onChange(listener: (runUid: string | undefined) => void): { close(): void } {
    return this.#watch.onChange(listener);
  }

  async close(): Promise<void> {
    this.#watch.close();
  }
}

function isProgramAlive(claim: Claim | undefined): claim is Exclude<Claim, { empty: true }> {
  return claim !== undefined && !claim.empty && isAlive(claim.pid, claim.startTime);
}

/** The claim is made by the service's shell, which then becomes the program. */
function observedOf({ pid }: { pid: number }): Pick<Execution, 'observed'> {
  const observed = readObserved(pid);
  return observed ? { observed: { ...observed, ...gpusOf(pid) } } : {};
}

/** A service of this cluster whose folder is gone: only the manager knows it. */
function withoutRecord(runUid: string, unit: Unit): Execution {
  const owner = { runUid, ...ownerOf(unit.description) };
  if (unit.live) return { ...owner, state: 'running' };
  return unit.end
    ? { ...owner, state: 'exited', ...unit.end }
    : { ...owner, state: 'exited', unknownEnd: 'RecordLost' };
}

/** Never half of it under this name: somebody may be reading the one before. */
async function replaceFile(path: string, text: string): Promise<void> {
  const folder = await mkdtemp(`${path}-`);
  await writeFile(join(folder, 'new'), text, { mode: 0o600 });
  await rename(join(folder, 'new'), path);
  await rmdir(folder);
}

function notNow(why: string, cause?: unknown): RiverError {
  const message = `The service cannot be started now: ${why}`;
  return new RiverError('ServiceUnavailable', message, {}, { cause });
}

/** Touches nothing before its first use. Raises ServiceUnavailable while its folder, or systemd, cannot be used. */
export function systemdExecutor(options: SystemdExecutorOptions): Executor {
  return new SystemdExecutor(options);
}
