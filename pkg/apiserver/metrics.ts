export type RefusalReason =
  | 'transition'
  | 'session'
  | 'fit'
  | 'binding'
  | 'conflict'
  | 'heartbeat'
  | 'fence'
  | 'room';

/** Counts since the start of the process. */
export interface ServiceMetrics {
  /** Refused writes of Run status, bindings and heartbeats, and what nothing had room for, by reason. */
  readonly refusals: Readonly<Record<RefusalReason, number>>;
  readonly watches: number;
}

export class MetricsCounter implements ServiceMetrics {
  readonly refusals: Record<RefusalReason, number> = {
    transition: 0,
    session: 0,
    fit: 0,
    binding: 0,
    conflict: 0,
    heartbeat: 0,
    fence: 0,
    room: 0,
  };
  watches = 0;

  refused(reason: RefusalReason): void {
    this.refusals[reason]++;
  }
}
