import { describe, expect, it } from 'vitest';
import { type Mutation, runSeed } from './scenario.ts';
import keptSeeds from './seeds.json' with { type: 'json' };

/** Seeds that once showed a bug, with what it was. */
const kept: readonly { seed: number; showed: string }[] = keptSeeds;
const firstSeed = 1;
const lastSeed = 300;

async function violations(seeds: Iterable<number>): Promise<string[]> {
  const found: string[] = [];
  for (const seed of seeds) {
    const { violation } = await runSeed({ seed });
    if (violation) found.push(`seed ${seed}: ${violation}`);
  }
  return found;
}

async function firstViolation(seeds: Iterable<number>, mutation: Mutation): Promise<string | undefined> {
  for (const seed of seeds) {
    const { violation } = await runSeed({ seed, mutation });
    if (violation) return violation;
  }
  return undefined;
}

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe('host and runners under failures', () => {
  it('keeps every rule in the seeds that once broke one', async () => {
    expect(await violations(kept.map((entry) => entry.seed))).toEqual([]);
  });

  it.each(
    range(0, 9).map((tenth) => {
      const size = (lastSeed - firstSeed + 1) / 10;
      return [firstSeed + tenth * size, firstSeed + (tenth + 1) * size - 1] as const;
    }),
  )('keeps every rule in seeds %i to %i', async (first, last) => {
    expect(await violations(range(first, last))).toEqual([]);
  });
});

describe('the simulator', () => {
  it('does the same again for the same seed', async () => {
    for (const seed of [3, 14, 15]) {
      expect((await runSeed({ seed })).traceHash).toBe((await runSeed({ seed })).traceHash);
    }
  });

  it('does something else for another seed', async () => {
    expect((await runSeed({ seed: 3 })).traceHash).not.toBe((await runSeed({ seed: 4 })).traceHash);
  });

  it('reaches every phase of a Run', async () => {
    const reached = new Set<string>();
    for (const seed of range(1, 20))
      for (const phase of (await runSeed({ seed })).reached.keys()) reached.add(phase);
    expect([...reached].sort()).toEqual(
      [
        'Failed',
        'Lost',
        'Paused',
        'Pending',
        'Preparing',
        'Running',
        'Scheduled',
        'Starting',
        'Stopped',
        'Succeeded',
      ].sort(),
    );
  });

  it.each<Mutation>(['start twice', 'acknowledge without writing', 'forget on restart', 'leave behind'])(
    'finds a world where parts %s',
    async (mutation) => {
      expect(await firstViolation(range(1, 20), mutation)).toBeDefined();
    },
  );
});
