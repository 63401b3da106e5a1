import type { Task, TaskSpec } from '../../pkg/api/index.ts';
import { isTerminal } from '../../pkg/api/index.ts';
import type { Client } from '../../pkg/client/index.ts';

export interface MeasuredRun {
  /** From the apply request to the moment at which the program was started, as its Run says. */
  startedMs: number;
  /** From the apply request to the watch event that shows the end. */
  doneMs: number;
}

let sequence = 0;

function nextTask(spec: TaskSpec): Task {
  sequence += 1;
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name: `bench-${sequence}`, namespace: 'default', labels: { bench: 'true' } },
    spec,
  };
}

/** Applies `count` tasks one after the other and watches each to its end. */
export async function measureRuns(
  client: Client,
  count: number,
  spec: (index: number) => TaskSpec,
): Promise<MeasuredRun[]> {
  const measured: MeasuredRun[] = [];
  for (let index = 0; index < count; index += 1) {
    const task = nextTask(spec(index));
    const { resourceVersion } = await client.list('Run', { limit: 1 });
    const ended = untilEnded(client, resourceVersion, new Set([task.metadata.name ?? '']));
    const from = performance.timeOrigin + performance.now();
    await client.apply(task, { fieldManager: 'river' });
    const [run] = await ended;
    if (run === undefined || run.phase !== 'Succeeded')
      throw new Error(`the run of ${task.metadata.name} ended as ${run?.phase}`);
    measured.push({ startedMs: run.startedAt - from, doneMs: run.at - from });
  }
  return measured;
}

interface EndedRun {
  phase: string;
  startedAt: number;
  at: number;
}

function untilEnded(client: Client, resourceVersion: string, tasks: Set<string>): Promise<EndedRun[]> {
  const ended = new Map<string, EndedRun>();
  return new Promise((resolve, reject) => {
    const watch = client.watch(
      'Run',
      { resourceVersion, labelSelector: '' },
      {
        event({ object }) {
          const { status, spec } = object;
          if (!status || !tasks.has(spec.task) || !isTerminal(status.phase)) return;
          const at = performance.timeOrigin + performance.now();
          if (!ended.has(spec.task))
            ended.set(spec.task, { phase: status.phase, startedAt: Date.parse(status.startedAt ?? ''), at });
          if (ended.size < tasks.size) return;
          watch.close();
          resolve([...ended.values()]);
        },
        closed: (error) => reject(error ?? new Error('the watch was closed')),
      },
    );
  });
}

/** All at once; done per second from the first request to the last watched end. */
export async function throughput(
  client: Client,
  count: number,
  spec: (index: number) => TaskSpec,
): Promise<number> {
  const tasks = Array.from({ length: count }, (_unused, index) => nextTask(spec(index)));
  const { resourceVersion } = await client.list('Run', { limit: 1 });
  const ended = untilEnded(client, resourceVersion, new Set(tasks.map((task) => task.metadata.name ?? '')));
  const from = performance.now();
  await inParallel(count, 32, async (index) => {
    const task = tasks[index];
    if (task) await client.apply(task, { fieldManager: 'river' });
  });
  const runs = await ended;
  const elapsed = performance.now() - from;
  const bad = runs.filter((run) => run.phase !== 'Succeeded');
  if (bad.length > 0) throw new Error(`${bad.length} of ${count} runs did not succeed`);
  return (count * 1000) / elapsed;
}

export async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}
