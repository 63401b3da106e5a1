import { type ReaperOptions, SweepReaper } from './sweep-reaper.ts';

const dayMs = 86_400_000;
/** A year can be compared with the one before. */
const keptDays = 400;

/** Entries of the usage ledger that are older than anybody asks for. */
export class UsageReaper extends SweepReaper<'Usage'> {
  constructor(options: ReaperOptions) {
    super(options, {
      kind: 'Usage',
      everyMs: dayMs,
      isOld: ({ day }, nowMs) => !(Date.parse(day) >= nowMs - keptDays * dayMs),
    });
  }
}
