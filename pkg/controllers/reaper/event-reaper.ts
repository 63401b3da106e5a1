import type { Event } from '../../api/index.ts';
import { type ReaperOptions, SweepReaper } from './sweep-reaper.ts';

/** As long as Kubernetes keeps Events. */
const keptMs = 3_600_000;

export class EventReaper extends SweepReaper<'Event'> {
  constructor(options: ReaperOptions) {
    super(options, { kind: 'Event', everyMs: 300_000, isOld });
  }
}

function isOld(event: Event, nowMs: number): boolean {
  const time = event.lastTimestamp ?? event.metadata.creationTimestamp ?? '';
  // An Event without a readable time is old: nobody can say when it was.
  return !(nowMs - Date.parse(time) < keptMs);
}
