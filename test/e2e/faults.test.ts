import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { realClock, realRng, seededRng, sleep } from '../../pkg/base/index.ts';
import { withEngine } from '../env/engine.ts';
import { FaultyCluster, type Victim } from './faults/cluster.ts';
import { applyPiece, countUp, followed, makePieces, type Piece, runsOf } from './faults/load.ts';
import { hasEnded, judge } from './faults/verdict.ts';
import { eventually, type Running, task } from './sandbox.ts';

/**
 * SIGKILL at random moments under load. RIVER_TEST_KILLS=100 RIVER_TEST_TASKS=1000 for a longer run; RIVER_TEST_SEED=N, as
 * it was printed, for the same tasks and kills (what the machine makes of them is not repeated).
 */
const kills = Number(process.env.RIVER_TEST_KILLS ?? 16);
const tasks = Number(process.env.RIVER_TEST_TASKS ?? 200);
const seed = Number(process.env.RIVER_TEST_SEED ?? realRng.below(1_000_000));
const rng = seededRng(seed);
const longestPauseMs = 2_500;
/** For every so many kills of host and runner one of dockerd; 0: none. */
const dockerdEvery = Number(process.env.RIVER_TEST_DOCKERD_EVERY ?? 4);
/** Until all has ended after the last kill; more for what a slow machine has still to start. */
const settleMs = 120_000 + tasks * 300;

// Asked only whether one can be started here: the one that is killed is another.
const found = await withEngine();
const hasEngine = found.engine !== undefined;
await found.engine?.release();

const cluster = new FaultyCluster();
const pieces = makePieces(tasks, hasEngine, rng);
const killed: Record<Victim, number> = { host: 0, runner: 0, dockerd: 0 };
const stop = new AbortController();

beforeAll(() => cluster.start(hasEngine));
afterAll(async () => {
  stop.abort();
  await cluster.close();
});

/** `progress` is told before each kill how many of them are then done, 0 to 1. */
async function killAtRandom(progress: (share: number) => void): Promise<void> {
  for (let count = 1; count <= kills; count++) {
    progress(count / kills);
    await sleep(realClock, rng.next() * longestPauseMs);
    if (hasEngine && dockerdEvery > 0 && count % dockerdEvery === 0) await kill('dockerd');
    await kill(rng.below(2) === 0 ? 'host' : 'runner');
  }
}

async function kill(victim: Victim): Promise<void> {
  killed[victim] += 1;
  await cluster.kill(victim);
}

/** Applies the tasks bit by bit, so that there is work at every kill, and follows the output of every eighth. */
async function load(share: () => number): Promise<Map<Piece, Promise<string>>> {
  const streams = new Map<Piece, Promise<string>>();
  for (const [index, piece] of pieces.entries()) {
    await eventually('the next kill', settleMs, () => index < share() * pieces.length);
    await applyPiece(cluster.client, piece, cluster.sandbox.folder);
    if (index % 8 === 0) streams.set(piece, followed(cluster.client, piece, rng, stop.signal));
  }
  return streams;
}

/** A program that counts until it is told to end, and `river logs -f` from before its start. */
async function startCounter(name: string, spec: object): Promise<Running> {
  const { sandbox } = cluster;
  const count = `i=0; while [ ! -e ${sandbox.folder}/enough ]; do echo $i; i=$((i + 1)); sleep 0.05; done`;
  await sandbox.apply(task(name, { command: ['sh', '-c', count], resources: { cores: 0 }, ...spec }));
  return sandbox.start('river', ['logs', '-f', `task/${name}`]);
}

/** Every number once and in order, up to the last one. */
function expectCounted(text: string): void {
  const lines = text.trimEnd().split('\n');
  expect(lines).toEqual(lines.map((_, index) => String(index)));
}

it(
  `${kills} kills of host and runner, and dockerd now and then, under ${tasks} tasks: nothing is lost unsaid, nothing runs twice`,
  async () => {
    console.log(`seed ${seed}`);
    const { client, sandbox } = cluster;
    const counted = countUp(client, stop.signal);
    counted.catch(() => {});
    const counters = [await startCounter('counter', {})];
    let share = 0;
    const killing = killAtRandom((now) => {
      share = now;
    });
    const [following] = await Promise.all([load(() => share), killing]);
    sandbox.write('enough', '');
    await eventually('all tasks to end', settleMs, async () => {
      for (const { name } of pieces) if (!hasEnded(await runsOf(client, name))) return false;
      return true;
    });
    const streams = new Map<Piece, string>();
    for (const [piece, stream] of following) streams.set(piece, await stream);
    const starts = readFileSync(sandbox.path('starts'), 'utf8');
    const verdict = await judge(client, pieces, { starts, streams, rng });
    const { startUnknown, outputLost, exitCodeUnseen, ...wrong } = verdict;
    stop.abort();
    const said = { startUnknown, outputLost, exitCodeUnseen };
    console.log({ killed, tasks, acknowledgedWrites: await counted, ...said });
    expect(wrong).toEqual({ missing: [], twice: [], badExits: [], badOutput: [], badFollowing: [] });
    for (const counter of counters) {
      expect(await counter.ended).toBe(0);
      expectCounted(counter.stdout);
      expect(counter.stdout.split('\n').length).toBeGreaterThan(kills);
    }
    expect(await sandbox.ok('logs', 'counter')).toBe(counters[0]?.stdout);
  },
  kills * 10_000 + settleMs,
);
