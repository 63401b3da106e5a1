import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { brokenFiles, catchBreakage } from './breakage.ts';
import type { Mutation } from './cluster.ts';
import { coverageLines, runSeeds, type Summary } from './jobs.ts';
import recordedMutations from './mutations.json' with { type: 'json' };
import { breakages } from './mutations.ts';
import { runSeed } from './scenario.ts';
import keptSeeds from './seeds.json' with { type: 'json' };

/** Seeds that once showed a bug, with what it was. */
const kept: readonly { seed: number; showed: string }[] = keptSeeds;
const lastSeed = 5000;

/** Every phase of a Run, every kind of fault, everything people do: each has to occur. */
const expectedParts = [
  /^run: .* to Pending/,
  /^run: .* to Scheduled/,
  /^run: .* to Preparing/,
  /^run: .* to Starting/,
  /^run: .* to Running/,
  /^run: .* to Paused/,
  /^run: .* to Lost/,
  /^run: .* to Succeeded/,
  /^run: .* to Failed/,
  /^run: .* to Stopped/,
  /^run: Lost to Running/,
  /^run: Paused to Running/,
  /^run: Scheduled to Pending|^run: Scheduled to Failed/,
  /^host: dies killed/,
  /^host: dies in a commit/,
  /^host: dies right after a commit/,
  /^runner: dies killed/,
  /^runner: dies in a commit/,
  /^runner: dies in a reboot/,
  ...['list', 'inspect', 'prepare', 'start', 'adopt', 'stop', 'remove'].flatMap((operation) => [
    new RegExp(`^runner: dies around ${operation}`),
    new RegExp(`^engine: no answer before ${operation}`),
    new RegExp(`^engine: no answer after ${operation}`),
  ]),
  /^runner: dies around (pause|resume)/,
  /^engine: no answer .* (pause|resume)/,
  /^machine: reboots/,
  /^machine: start of a dead runner arrives in half/,
  /^machine: start of a dead runner arrives$/,
  /^engine: away for a while/,
  /^engine: very late start/,
  /^engine: holds a start up for long/,
  /^engine: forgets a run/,
  /^engine: loads an environment/,
  /^engine: removes an environment/,
  /^engine: loses the image of an environment/,
  /^host: its disk is full/,
  /^host: restored from a backup/,
  /^host: does not know what is running on a machine/,
  /^runner: its disk is full/,
  /^runner: dies for an upgrade/,
  /^engine: a start that was given up arrives/,
  /^operator: fences what is cut off and alive/,
  /^node: its fence is lifted/,
  /^machine: a GPU breaks/,
  /^machine: moves a program to other CPUs/,
  /^operator: taints a node/,
  /^bound: with CPUs of its own/,
  /^bound: in one NUMA node/,
  /^bound: with a GPU/,
  /^bound: with a share of a GPU/,
  /^run: fenced/,
  /^network: request lost/,
  /^network: response lost/,
  /^network: request repeated/,
  /^network: request straggles/,
  /^network: machine cut off/,
  /^network: watch broken, cut/,
  /^network: watch broken, isolated/,
  /^network: watch expired/,
  /^binding: refused to who did not look/,
  ...['apply again', 'change', 'pause', 'resume', 'stop', 'go on', 'rerun', 'delete', 'make anew'].map(
    (deed) => new RegExp(`^person: ${deed}`),
  ),
];

function missing(summary: Summary): string[] {
  const seen = [...summary.counts.keys()];
  return expectedParts.filter((part) => !seen.some((what) => part.test(what))).map(String);
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
    for (const { seed } of kept) expect(await runSeed({ seed })).toMatchObject({ violation: undefined });
  });

  it(`keeps every rule in seeds 1 to ${lastSeed}, in which everything happens that can`, async () => {
    const summary = await runSeeds({ first: 1, last: lastSeed }, availableParallelism());
    console.log(coverageLines(summary).join('\n'));
    expect(summary.failed).toEqual([]);
    expect(summary.seeds).toBe(lastSeed);
    expect(missing(summary)).toEqual([]);
  });
});

describe('breakages of the product', () => {
  const recorded: readonly { name: string; seed?: number }[] = recordedMutations;
  const noticed = recorded.filter((row) => row.seed !== undefined);
  const fastest = noticed.filter((row) => row.seed === 1).slice(0, 2);

  it.each(breakages)('can still be made: $name', (breakage) => {
    for (const [, text] of brokenFiles(breakage)) expect(text).not.toBe('');
  });

  it('are recorded one by one, by the script that looks for seeds', () => {
    const names = new Set(breakages.map(({ name }) => name));
    expect(recorded.filter(({ name }) => !names.has(name))).toEqual([]);
    expect(fastest.length).toBeGreaterThan(0);
  });

  // The code goes on, and what a seed stands for with it.
  it.each(fastest)('are noticed by one of the first seeds: $name', async ({ name }) => {
    const breakage = breakages.find((each) => each.name === name);
    expect(breakage && (await catchBreakage(breakage, ['1..10']))).toBeDefined();
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

  it.each<Mutation>(['start twice', 'acknowledge without writing', 'forget on restart', 'leave behind'])(
    'finds a world where parts %s',
    async (mutation) => {
      expect(await firstViolation(range(1, 20), mutation)).toBeDefined();
    },
  );
});
