import { access, constants } from 'node:fs/promises';
import { release } from 'node:os';
import { type Clock, errorMessage, type Logger, RiverError } from '../../base/index.ts';
import { type Execution, type ExecutionSpec, type Executor, isLive, type RuntimeProbe } from '../index.ts';
import { isAlive, sessionMembers, signalAll, someoneHasArgument } from '../kernel/index.ts';
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
  unusable,
} from '../records/index.ts';
import {
  type CgroupKind,
  cgroupMembers,
  closeCgroups,
  makeRunCgroup,
  openCgroups,
  removeRunCgroup,
} from './cgroup.ts';
import { parseExitRecord } from './exit-record.ts';
import { type Freezer, openFreezer } from './freezer.ts';
import { Holding } from './holding.ts';
import { launch } from './launch.ts';
import { Launcher } from './launcher.ts';
import { observedOf } from './program.ts';
import { liveUsage } from './usage.ts';
import { wrapperArguments } from './wrapper.ts';

export interface ProcessExecutorOptions {
  /** Its own folder, on a local disk; made when missing. */
  stateDir: string;
  clusterUid: string;
  clock: Clock;
  logger: Logger;
  /** The machine's boot id, as `/proc/sys/kernel/random/boot_id` has it. */
  bootId: () => string;
  /** PATH, HOME and LANG of the runner; what a Run sets wins. */
  baseEnv: Record<string, string>;
  /** Default `/sys/fs/cgroup`. */
  cgroupRoot?: string;
}

interface Groups {
  kind: CgroupKind;
  freezer: Freezer;
  holding: Holding;
}

class ProcessExecutor implements Executor {
  readonly runtime = 'process';
  readonly #options: ProcessExecutorOptions;
  readonly #records: Records;
  readonly #watch: ExitWatch;
  readonly #path: string;
  readonly #launcher: Launcher;
  readonly #opening: Opening<Groups>;
  /** What that has answered. */
  #groups: Groups | undefined;

  constructor(options: ProcessExecutorOptions) {
    this.#options = options;
    this.#path = options.baseEnv.PATH ?? '/usr/bin:/bin';
    this.#records = new Records(options.stateDir, parseExitRecord);
    this.#launcher = new Launcher(options.clock, this.#path);
    this.#watch = new ExitWatch(this.#records.exits, options.clock, options.logger);
    this.#opening = new Opening('process', options.stateDir, () => this.#openNow());
  }

  async #openNow(): Promise<Groups> {
    await this.#records.open();
    const root = this.#options.cgroupRoot ?? '/sys/fs/cgroup';
    const name = `river-${this.#options.clusterUid.slice(0, 12)}`;
    const kind = await openCgroups(root, name);
    const freezer = await openFreezer(root, name, kind, this.#options.clock);
    this.#watch.open((uid) => this.inspect(uid));
    this.#groups = { kind, freezer, holding: new Holding(kind, this.#path) };
    return this.#groups;
  }

  async probe(): Promise<RuntimeProbe> {
    try {
      const { kind, holding } = await this.#opening.get();
      await this.#records.checkWritable().catch((error: unknown) => {
        throw unusable('process', this.#options.stateDir, error);
      });
      await access('/bin/sh', constants.X_OK);
      const limits =
        kind.version === 0
          ? `Limits of cores and memory do not apply, and children that make a session of their own are not stopped: ${kind.why}.`
          : `Limits of cores and memory apply (cgroup v${kind.version}).`;
      return {
        ready: true,
        reason: 'ProcessesAllowed',
        message: `Plain processes run here. ${limits} ${holding.description}`,
        version: release(),
      };
    } catch (error) {
      return { ready: false, reason: 'ProcessesUnusable', message: errorMessage(error) };
    }
  }

  async list(): Promise<Execution[]> {
    await this.#opening.get();
    const found = await Promise.all((await this.#records.uids()).map((uid) => this.inspect(uid)));
    return found.filter((execution) => execution !== undefined);
  }

  async inspect(runUid: string): Promise<Execution | undefined> {
    await this.#opening.get();
    const record = this.#records.read(runUid);
    const execution =
      record?.clusterUid === this.#options.clusterUid
        ? await this.#observe(record)
        : await this.#withoutRecord(runUid);
    this.#watch.seen(runUid, execution);
    return execution;
  }

  async usage(runUids: readonly string[]) {
    return this.#groups ? liveUsage(this.#groups.kind, this.#records, runUids) : new Map();
  }

  /** Somebody has removed the executor's folder: the kernel still knows of what runs, and it is not started again. */
  async #withoutRecord(runUid: string): Promise<Execution | undefined> {
    const { kind } = await this.#opening.get();
    const members = await cgroupMembers(kind, runUid);
    return members?.length ? { runUid, namespace: '', runName: '', state: 'running' } : undefined;
  }

  async #observe(record: RunRecord): Promise<Execution> {
    const { runUid } = record;
    const known = knownOf(this.#records, record, this.#options.bootId());
    const { base, claim, over } = known;
    if (over) return over;
    if (claim === undefined) return { ...base, state: 'created' };
    if (await this.#isRunning(runUid, claim)) {
      const observed = claim.empty ? {} : observedOf(claim.pid, this.#records.folder(runUid));
      return { ...base, ...observed, state: (await this.#isHalted(runUid, claim)) ? 'paused' : 'running' };
    }
    return goneOf(this.#records, known);
  }

  /** Also while only the wrapper was killed: what it started is then still alive, though its end will not be known. */
  async #isRunning(runUid: string, claim: Claim): Promise<boolean> {
    if (claim.empty) return someoneHasArgument(this.#records.folder(runUid));
    if (isAlive(claim.pid, claim.startTime)) return true;
    return (await this.#members(runUid, claim)).length > 0;
  }

  async #isHalted(runUid: string, claim: Claim): Promise<boolean> {
    if (!this.#records.isPaused(runUid)) return false;
    const { freezer } = await this.#opening.get();
    return freezer.isHalted(runUid, () => this.#members(runUid, claim));
  }

  /** Everything of the run but its wrapper. */
  async #members(runUid: string, claim: Claim | undefined): Promise<number[]> {
    const { kind } = await this.#opening.get();
    const inGroup = await cgroupMembers(kind, runUid);
    if (inGroup !== undefined) return inGroup;
    return claim && !claim.empty ? sessionMembers(claim.pid) : [];
  }

  async prepare(): Promise<void> {}

  async start(spec: ExecutionSpec): Promise<Execution> {
    const groups = await this.#opening.get();
    const before = await this.inspect(spec.runUid);
    if (before && before.state !== 'created') return before;
    try {
      if (before === undefined) await this.#records.write(spec, this.#options.bootId());
      await this.#launch(spec, groups);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      throw new RiverError(
        'ServiceUnavailable',
        `The process cannot be started now: ${code ?? ''} ${errorMessage(error)}`,
        {},
        { cause: error },
      );
    }
    const execution = await this.inspect(spec.runUid);
    if (execution === undefined) throw removedMeanwhile(spec.runUid);
    return execution;
  }

  async #launch(spec: ExecutionSpec, { kind, holding }: Groups): Promise<void> {
    const folder = this.#records.folder(spec.runUid);
    const env = { ...this.#options.baseEnv, ...spec.env };
    const [command, { join, note }, beginning] = await Promise.all([
      prepareCommand(spec, folder, env),
      makeRunCgroup(kind, spec),
      holding.begin(spec),
    ]);
    if ('startError' in command) return this.#records.giveUp(spec.runUid, command.startError);
    if ('startError' in beginning) return this.#records.giveUp(spec.runUid, beginning.startError);
    const argv = [...beginning.argv, ...command.argv];
    const cgroup = { join: [...join, ...beginning.join], note };
    const exitPath = this.#records.exitPath(spec.runUid);
    const args = wrapperArguments(folder, exitPath, this.#options.bootId(), cgroup, argv);
    const { outPath, errPath } = spec;
    const { workingDir } = command;
    const told = await this.#launcher.launch({ folder, outPath, errPath, workingDir, env, args });
    // The claim keeps them apart should both get that far.
    const answer = told === 'unknown' ? await launch(spec, args, { env, cwd: workingDir }) : told;
    if (answer === 'full') throw new Error(`the disk of ${this.#options.stateDir} is full`);
    if (answer instanceof Error) {
      // Nothing was executed if the claim is still free; otherwise the records say how it went.
      await this.#records.giveUp(spec.runUid, {
        reason: 'StartFailed',
        message: `The process could not be started: ${answer.message}`,
      });
    }
  }

  async adopt(spec: ExecutionSpec): Promise<void> {
    await this.inspect(spec.runUid);
  }

  /** Its mark first: whoever comes after a crash must not take it for a program that halted itself. */
  async pause(runUid: string): Promise<void> {
    const { freezer } = await this.#opening.get();
    if (!isLive(await this.inspect(runUid))) return;
    await this.#records.setPaused(runUid, true);
    await freezer.halt(runUid, () => this.#members(runUid, this.#records.claim(runUid)));
  }

  async resume(runUid: string): Promise<void> {
    if (!this.#records.isPaused(runUid)) return;
    const { freezer } = await this.#opening.get();
    await freezer.thaw(runUid, () => this.#members(runUid, this.#records.claim(runUid)));
    await this.#records.setPaused(runUid, false);
  }

  async confine(runUid: string, cpus: string): Promise<void> {
    const { holding } = await this.#opening.get();
    if (!isLive(await this.inspect(runUid))) return;
    await holding.confine(runUid, cpus, () => this.#members(runUid, this.#records.claim(runUid)));
  }

  async stop(runUid: string, graceMs: number): Promise<void> {
    const execution = await this.inspect(runUid);
    if (execution === undefined) return;
    if (execution.state === 'created') await this.#records.giveUp(runUid, stoppedBefore);
    const asked = new Set<number>();
    await untilEnded(this.#options.clock, graceMs, {
      isLeft: () => this.#isLeft(runUid),
      end: async (isOver) => {
        await this.#signal(runUid, isOver ? undefined : asked);
        // What is frozen hears of signals only now, and of this one before it goes on.
        await this.resume(runUid);
      },
    });
    this.#watch.tell(runUid);
  }

  /** SIGTERM to every member once, those included that came since the last look; without `asked`, SIGKILL to all. */
  async #signal(runUid: string, asked: Set<number> | undefined): Promise<void> {
    const members = await this.#members(runUid, this.#records.claim(runUid));
    if (asked === undefined) return signalAll(members, 'SIGKILL');
    const fresh = members.filter((pid) => !asked.has(pid));
    for (const pid of fresh) asked.add(pid);
    signalAll(fresh, 'SIGTERM');
    // A process that is halted would keep SIGTERM waiting.
    signalAll(fresh, 'SIGCONT');
  }

  async #isLeft(runUid: string): Promise<boolean> {
    if (isLive(await this.inspect(runUid))) return true;
    return (await this.#members(runUid, this.#records.claim(runUid))).length > 0;
  }

  async remove(runUid: string): Promise<void> {
    const { kind, freezer, holding } = await this.#opening.get();
    if (isLive(await this.inspect(runUid))) throw hasNotEnded(runUid);
    // What the program left behind in the background goes with it.
    if (this.#records.read(runUid)?.bootId === this.#options.bootId()) await this.#endLeftovers(runUid);
    await freezer.remove(runUid);
    if (!(await removeRunCgroup(kind, runUid))) {
      throw new RiverError('ServiceUnavailable', `The control group of run ${runUid} is not empty yet.`);
    }
    holding.forget(runUid);
    await this.#records.remove(runUid);
  }

  async #endLeftovers(runUid: string): Promise<void> {
    const claim = this.#records.claim(runUid);
    await untilFound(this.#options.clock, async () => {
      const members = await this.#members(runUid, claim);
      if (members.length === 0) return true;
      signalAll(members, 'SIGKILL');
      await this.resume(runUid);
    });
  }

  onChange(listener: (runUid: string | undefined) => void): { close(): void } {
    return this.#watch.onChange(listener);
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#launcher.close();
    const groups = await this.#opening.ifOpened();
    if (!groups) return;
    await closeCgroups(groups.kind);
    await groups.freezer.close();
  }
}

/** Touches nothing before its first use. Raises ServiceUnavailable while its folder cannot be used. */
export function processExecutor(options: ProcessExecutorOptions): Executor {
  return new ProcessExecutor(options);
}
