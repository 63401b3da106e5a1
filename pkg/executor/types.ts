import type { Observed, Runtime } from '../api/index.ts';

/**
 * Everything that is needed to start one Run on this machine: pure data, so that it can be recorded as an intent
 * before anything happens and be used again by a restarted runner.
 */
export interface ExecutionSpec {
  runUid: string;
  namespace: string;
  runName: string;
  /** Marks what is started, together with the uid of the Run. */
  clusterUid: string;
  runtime: Runtime;
  command?: string[];
  args?: string[];
  script?: string;
  image?: string;
  /** The complete set, river's own variables included. */
  env: Record<string, string>;
  mounts: { source: string; target: string; readOnly: boolean }[];
  /** Left out: the image's own (docker); a fresh temporary directory (process). */
  workingDir?: string;
  privileged: boolean;
  /** Thousandths of a core; 0 = no limit. */
  milliCores: number;
  /** Bytes; 0 = no limit. */
  memoryBytes: number;
  /** CPUs it is held to, in the kernel's form, as in 0-3,8; left out = all. */
  cpus?: string;
  /** CPUs that nobody has pinned when it is started: it begins there where the machine can do that, and needs no more. */
  sharedCpus?: string;
  /** NUMA nodes its memory is taken from, in the same form; left out = all. */
  memoryNodes?: string;
  /** With `devices` it gets these device nodes, else the engine is asked for it by UUID. */
  gpus?: { index: number; uuid: string; devices?: readonly string[] }[];
  /** Absolute paths; their folder exists. */
  outPath: string;
  errPath: string;
}

export type ExecutionState =
  /** Made but never started: `start` may be called. */
  | 'created'
  | 'running'
  /** Started, and all of it halted by `pause`. */
  | 'paused'
  /** Ended; the record stays until `remove`. */
  | 'exited';

/** What the machine says about one execution. Never taken from the runner's memory. */
export interface Execution {
  runUid: string;
  /** Empty, as the name, where the machine does not know them any more. */
  namespace: string;
  runName: string;
  state: ExecutionState;
  /** Milliseconds since the epoch. */
  startedAt?: number;
  finishedAt?: number;
  exitCode?: number;
  /** As in SIGKILL; exitCode is absent then. */
  signal?: string;
  oomKilled?: boolean;
  /** It ended, but how is not known any more (reboot, record lost); says why. */
  unknownEnd?: 'NodeRestarted' | 'RecordLost';
  /** The program could not be started at all: reason (ImageNotFound, CommandNotFound, StartFailed, …) and a sentence. */
  startError?: { reason: string; message: string };
  usage?: { cpuSeconds?: number; memoryPeak?: number };
  /** One more sentence for people about how it ended: what is not certain, or was lost. */
  note?: string;
  /** What the kernel and the engine let it have, while it runs; absent where that cannot be read, or not yet. */
  observed?: Observed;
}

/** What a run uses while it is on the machine; what the machine does not tell is absent. */
export interface LiveUsage {
  /** Since its start, all processes together. */
  cpuSeconds?: number;
  /** Bytes, now. */
  memoryUsed?: number;
}

/** What executors count beside what comes of their methods: a call that was not answered, a lost connection, output not collected. */
export type ExecutorEvent = 'engine_unanswered' | 'engine_lost' | 'output_failed';

export interface RuntimeProbe {
  ready: boolean;
  /** For the Node's condition: one CamelCase word and a sentence. */
  reason: string;
  message: string;
  /** Shown in the Node's versions under the runtime's name. */
  version?: string;
  /** Where on this machine the runtime keeps what it makes: without room there nothing can be started. */
  dataDir?: string;
}

/**
 * One runtime of this machine. Every method may be called again after any crash: they are idempotent, and the
 * truth about what was started and how it ended is the machine's. Methods raise `RiverError`: transient ones
 * (engine not reachable) are tried again with back-off; others fail the Run with the error's message.
 */
export interface Executor {
  readonly runtime: Runtime;
  /** Whether it works now. Never throws. */
  probe(): Promise<RuntimeProbe>;
  /** Everything of this cluster that is on the machine, started or ended and not yet removed. */
  list(): Promise<Execution[]>;
  /** One of them; undefined when the machine has nothing of it. */
  inspect(runUid: string): Promise<Execution | undefined>;
  /**
   * What these runs use, by uid; those of which nothing is known are left out. Reads files of the kernel alone, for all
   * at once: it never waits for an engine, and never raises.
   */
  usage(runUids: readonly string[]): Promise<ReadonlyMap<string, LiveUsage>>;
  /** Brings what the start needs (an image). May take long; `signal` gives it up. */
  prepare(spec: ExecutionSpec, signal: AbortSignal): Promise<void>;
  /**
   * Starts the program unless it was ever started before under this uid. Answers when it runs, when it is known to
   * have failed to start (an Execution in state exited with startError), or when an earlier start is found.
   */
  start(spec: ExecutionSpec): Promise<Execution>;
  /** Adopts after a restart: goes on collecting output and watching for the end. Idempotent. */
  adopt(spec: ExecutionSpec): Promise<void>;
  /** Halts everything of what runs; nothing for what does not run. Answers when none of it executes any more. Idempotent. */
  pause(runUid: string): Promise<void>;
  /** Lets all of it go on. Idempotent. */
  resume(runUid: string): Promise<void>;
  /**
   * Moves everything of what runs, paused or not, to these CPUs (the kernel's form, not empty); nothing for what does
   * not run. Looks first, and changes only what is different. Idempotent.
   */
  confine(runUid: string, cpus: string): Promise<void>;
  /** SIGTERM to the whole tree, paused or not, SIGKILL to what is left after the grace period. Answers when all has ended. */
  stop(runUid: string, graceMs: number): Promise<void>;
  /** Removes container, cgroup, records and temporary files, after its end. Output files stay. Idempotent. */
  remove(runUid: string): Promise<void>;
  /** Called with a run's uid when something about it may have changed, and with undefined when anything may have. */
  onChange(listener: (runUid: string | undefined) => void): { close(): void };
  /** Lets go of everything without touching what runs. */
  close(): Promise<void>;
}
