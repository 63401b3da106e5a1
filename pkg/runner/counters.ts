import type { ExecutorEvent } from '../executor/index.ts';
import type { Activity } from './situation.ts';

const events = {
  heartbeat_missed: true,
  runs_list_failed: true,
  runs_watch_ended: true,
  run_backed_off: true,
  run_unsettled: true,
  report_failed: true,
  report_refused: true,
  prepare_failed: true,
  start_failed: true,
  pause_failed: true,
  resume_failed: true,
  stop_failed: true,
  probe_failed: true,
  environment_loaded: true,
  environment_load_failed: true,
  engine_unanswered: true,
  engine_lost: true,
  output_failed: true,
};

export type RunnerEvent = keyof typeof events;
export type Count = (event: RunnerEvent) => void;

export const failedEvents: Record<Activity, RunnerEvent> = {
  Preparing: 'prepare_failed',
  Starting: 'start_failed',
  Pausing: 'pause_failed',
  Resuming: 'resume_failed',
  Stopping: 'stop_failed',
};

/** How often each has happened since the start of this process: every heartbeat carries it, and the host shows it. */
export class RunnerCounters {
  readonly #counts: Record<RunnerEvent, number>;

  constructor() {
    const none = (Object.keys(events) as RunnerEvent[]).map((event) => [event, 0]);
    this.#counts = Object.fromEntries(none);
  }

  readonly count: Count = (event: RunnerEvent | ExecutorEvent) => {
    this.#counts[event] = (this.#counts[event] ?? 0) + 1;
  };

  all(): Record<string, number> {
    return { ...this.#counts };
  }
}
