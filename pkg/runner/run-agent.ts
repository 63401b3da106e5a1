import { isTerminal, type Run, type Runtime } from '../api/index.ts';
import { type Clock, errorMessage, type Logger } from '../base/index.ts';
import type { Execution } from '../executor/index.ts';
import type { Count } from './counters.ts';
import type { Intent, Intents } from './intents.ts';
import type { PassResult } from './key-loop.ts';
import { nextSteps, type Step } from './next-steps.ts';
import { type Observation, referenceOf, runtimeOf } from './observation.ts';
import type { RunCache } from './run-cache.ts';
import type { RunMemories, RunMemory } from './run-memory.ts';
import type { Runtimes } from './runtimes.ts';
import type { RunnerSettings } from './seams.ts';
import type { Situation } from './situation.ts';
import type { StatusManager } from './status-manager.ts';
import type { StepResult } from './step-actions.ts';
import { troubleReport } from './troubles.ts';

/** Converging takes two or three; more means that steps do not do what they should. */
const roundsAtMost = 12;

export interface RunAgentParts {
  settings: RunnerSettings;
  bootId: string;
  epoch: () => string;
  runtimes: Runtimes;
  intents: Intents;
  memories: RunMemories;
  cache: RunCache;
  statuses: StatusManager;
  clock: Clock;
  logger: Logger;
  count: Count;
  /** false: the runner lets go of everything. */
  acting: () => boolean;
  perform: (step: Step, observation: Observation) => Promise<StepResult>;
}

/** One pass for one Run: observe, decide purely, carry out that round, observe again, until nothing is to be done. */
export class RunAgent {
  readonly #parts: RunAgentParts;

  constructor(parts: RunAgentParts) {
    this.#parts = parts;
  }

  async pass(uid: string): Promise<PassResult> {
    const { memories, statuses, logger, count } = this.#parts;
    if (this.#isRefused(uid)) return { settled: false };
    for (let round = 0; round < roundsAtMost; round += 1) {
      const { observation, situation } = await this.#observe(uid);
      const steps = nextSteps(situation);
      if (steps.length > 0) logger.debug('steps for a run', { uid, steps: steps.map((step) => step.kind) });
      const more = await this.#carryOut(steps, observation);
      if (more && !observation.memory.activity) continue;
      if (steps.length === 0) this.#release(observation);
      return { settled: !observation.memory.activity && !statuses.isPending(uid), ...wakeOf(steps) };
    }
    count('run_unsettled');
    logger.warn('a run does not settle', { uid });
    memories.release(uid);
    return { settled: false, wakeAfterMs: 1_000 };
  }

  /** Given back, and the watch still shows it or the host has not answered: hands off. */
  #isRefused(uid: string): boolean {
    const { statuses, cache } = this.#parts;
    const run = cache.get(uid);
    if (!statuses.isRefused(uid)) return false;
    if (run) statuses.seen(uid, run.metadata.resourceVersion);
    else if (!statuses.isPending(uid)) statuses.forget(uid);
    return statuses.isRefused(uid);
  }

  async #carryOut(steps: Step[], observation: Observation): Promise<boolean> {
    let more = false;
    for (const step of steps) {
      if (!this.#parts.acting()) return false;
      const result = await this.#parts.perform(step, observation);
      if (result === 'again') more = true;
      if (result === 'abort') return true;
    }
    return more;
  }

  #release({ uid, run, memory }: Observation): void {
    // What the host is still to be told has to stay the last word, also for one that was restored meanwhile.
    if (this.#parts.statuses.isPending(uid)) return;
    const over = !run || isTerminal(run.status?.phase ?? 'Pending');
    if (over && !memory.failure) this.#parts.memories.release(uid);
    if (!run) this.#parts.memories.release(uid);
  }

  async #observe(uid: string): Promise<{ observation: Observation; situation: Situation }> {
    const { cache, intents, statuses, memories } = this.#parts;
    const run = cache.get(uid);
    statuses.seen(uid, run?.metadata.resourceVersion);
    const memory = memories.of(uid);
    if (run) {
      memory.confirmedGone = false;
      memory.quarantined = false;
    }
    const intent = intents.get(uid);
    // As it is now: an activity that ends while the machine is asked must not meet this observation.
    const remembered = { ...memory };
    // While something is under way the machine's answer would not be looked at.
    const seen = remembered.activity ? { known: true } : await this.#inspect(uid, run, intent, memory);
    const observation = { uid, run, intent, execution: seen.execution, memory };
    return { observation, situation: this.#situation(observation, remembered, seen.known) };
  }

  async #inspect(
    uid: string,
    run: Run | undefined,
    intent: Intent | undefined,
    memory: RunMemory,
  ): Promise<{ execution?: Execution; known: boolean }> {
    const runtime = runtimeOf(run, intent, memory);
    const executor = this.#parts.runtimes.executor(runtime);
    const mayBeThere = intent?.startBootId !== undefined && intent.acknowledgedEpoch === undefined;
    if (!executor) return { known: !mayBeThere };
    try {
      return { execution: await executor.inspect(uid), known: true };
    } catch (error) {
      this.#parts.logger.debug('a runtime does not answer', { uid, error: errorMessage(error) });
      if (run && runtime) this.#tellProblem({ uid, run, intent, memory }, runtime);
      return { known: false };
    }
  }

  /** A runtime that is known not to work is why a Run does not begin: whoever looks at the Run sees it there. */
  #tellProblem(seen: Observation, runtime: Runtime): void {
    const { runtimes, statuses } = this.#parts;
    const problem = runtimes.problemOf(runtime);
    const report = problem && troubleReport(seen.run?.status, undefined, problem);
    if (report) statuses.report(referenceOf(seen), report, seen.run?.metadata.resourceVersion);
  }

  #situation(observation: Observation, memory: RunMemory, executionKnown: boolean): Situation {
    const { run, intent, execution } = observation;
    const { settings, runtimes, cache, clock, bootId, epoch } = this.#parts;
    const runtime = runtimeOf(run, intent, memory);
    return {
      desired: { run, synced: cache.synced, confirmedGone: memory.confirmedGone },
      observed: { intent, execution, executionKnown },
      memory,
      node: {
        nowMs: clock.now(),
        monotonicMs: Math.round(clock.monotonic()),
        bootId,
        epoch: epoch(),
        runtimeEnabled: runtime !== undefined && settings.runtimes.includes(runtime),
        notReadyMs: runtime ? runtimes.notReadyMs(runtime) : 0,
        stopGraceMs: settings.stopGraceMs,
      },
    };
  }
}

function wakeOf(steps: readonly Step[]): { wakeAfterMs?: number } {
  const delays = steps.flatMap((step) => (step.kind === 'WakeAfter' ? [step.delayMs] : []));
  return delays.length > 0 ? { wakeAfterMs: Math.min(...delays) } : {};
}
