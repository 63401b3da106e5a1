import { isTerminal, type RunSample, type Runtime } from '../api/index.ts';
import type { Clock } from '../base/index.ts';
import type { Executor } from '../executor/index.ts';
import type { RunCache } from './run-cache.ts';

/** What one heartbeat carries at most: some hundred kilobytes. The ones that compute least are left out. */
const mostSamples = 1000;

export interface RunSamplesParts {
  cache: Pick<RunCache, 'get' | 'uids'>;
  executor: (runtime: Runtime) => Pick<Executor, 'usage'> | undefined;
  clock: Clock;
}

/** What each Run of this node uses now: two looks at the CPU time that the kernel has counted for it. */
export class RunSamples {
  readonly #parts: RunSamplesParts;
  #before = new Map<string, { cpuSeconds: number; atMs: number }>();

  constructor(parts: RunSamplesParts) {
    this.#parts = parts;
  }

  /** Cores from the second look at a Run on: what it used on average since the look before. */
  async look(): Promise<RunSample[]> {
    const { executor, clock } = this.#parts;
    const before = this.#before;
    this.#before = new Map();
    const samples: RunSample[] = [];
    for (const [runtime, uids] of this.#live()) {
      const usages = await executor(runtime)?.usage(uids);
      const atMs = clock.monotonic();
      for (const [uid, { cpuSeconds, memoryUsed }] of usages ?? []) {
        const old = before.get(uid);
        const cores = old && cpuSeconds !== undefined ? coresSince(old, { cpuSeconds, atMs }) : undefined;
        if (cpuSeconds !== undefined) this.#before.set(uid, { cpuSeconds, atMs });
        samples.push({
          uid,
          ...(cores === undefined ? {} : { cores }),
          ...(memoryUsed === undefined ? {} : { memoryUsed }),
        });
      }
    }
    if (samples.length <= mostSamples) return samples;
    return samples.sort((left, right) => (right.cores ?? 0) - (left.cores ?? 0)).slice(0, mostSamples);
  }

  #live(): Map<Runtime, string[]> {
    const found = new Map<Runtime, string[]>();
    for (const uid of this.#parts.cache.uids()) {
      const run = this.#parts.cache.get(uid);
      if (!run || isTerminal(run.status?.phase ?? 'Pending')) continue;
      const { runtime } = run.spec;
      const uids = found.get(runtime);
      if (uids) uids.push(uid);
      else found.set(runtime, [uid]);
    }
    return found;
  }
}

interface Look {
  cpuSeconds: number;
  atMs: number;
}

/** Undefined when no time has passed. Sums of processes go back when one of them has left: no less than nothing. */
function coresSince(before: Look, now: Look): number | undefined {
  const seconds = (now.atMs - before.atMs) / 1000;
  if (seconds <= 0) return undefined;
  return Math.round(Math.max(0, (now.cpuSeconds - before.cpuSeconds) / seconds) * 1000) / 1000;
}
