import { apiVersion, type Run, type Task, type TaskSpec } from '../../../pkg/api/index.ts';
import { hasCode, type Rng, realClock, sleep } from '../../../pkg/base/index.ts';
import { logStream } from '../../../pkg/cli/following/log-stream.ts';
import type { Client } from '../../../pkg/client/index.ts';
import { testImage } from '../../env/engine.ts';

const namespace = 'default';
const seams = (signal: AbortSignal, rng: Rng) => ({ clock: realClock, rng, signal });

/** One task of the load, and what must come of it. */
export interface Piece {
  name: string;
  docker: boolean;
  exitCode: number;
  /** Of its standard output. */
  lines: number;
  pauseMs: number;
}

export function makePieces(count: number, withDocker: boolean, rng: Rng): Piece[] {
  return Array.from({ length: count }, (_, index) => {
    const docker = withDocker && index % 3 === 0;
    return {
      name: `${docker ? 'd' : 'p'}-${index}`,
      docker,
      exitCode: rng.below(8),
      lines: 2 + rng.below(20),
      pauseMs: 20 + rng.below(280),
    };
  });
}

export function expectedOutput({ name, lines }: Piece): string {
  return Array.from({ length: lines }, (_, index) => `${name} says ${index}\n`).join('');
}

/** Says at once that it was started, in the file that all share; then its lines, one after the other. */
function specOf(piece: Piece, folder: string): TaskSpec {
  const { name, docker, lines, pauseMs, exitCode } = piece;
  const script = [
    `echo ${name} >>${folder}/starts`,
    `i=0; while [ $i -lt ${lines} ]; do echo "${name} says $i"; i=$((i + 1)); sleep ${pauseMs / 1000}; done`,
    `echo ${name} ends >&2; exit ${exitCode}`,
  ];
  return {
    command: ['sh', '-c', script.join('\n')],
    resources: { cores: 0 },
    ...(docker ? { image: testImage, mounts: [`${folder}:${folder}`] } : {}),
  };
}

/** Asks again while the host is away, as a person or a script would. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!hasCode(error, 'ServiceUnavailable', 'Timeout', 'TooManyRequests')) throw error;
      await sleep(realClock, 50);
    }
  }
}

export async function applyPiece(client: Client, piece: Piece, folder: string): Promise<void> {
  const object: Task = {
    apiVersion,
    kind: 'Task',
    metadata: { name: piece.name, namespace },
    spec: specOf(piece, folder),
  };
  await patiently(() => client.apply(object, { fieldManager: 'load' }));
}

export function runsOf(client: Client, task: string): Promise<Run[]> {
  const labelSelector = `river.dev/task=${task}`;
  return patiently(async () => (await client.list('Run', { namespace, labelSelector })).items);
}

/** What `river logs -f` prints of the one run of a task, from before it has started until after its end. */
export async function followed(client: Client, piece: Piece, rng: Rng, signal: AbortSignal): Promise<string> {
  let run: Run | undefined;
  while (run === undefined) {
    [run] = await runsOf(client, piece.name);
    await sleep(realClock, 50, signal);
  }
  const request = { namespace, run: run.metadata.name ?? '', stream: 'stdout' as const, follow: true };
  return textOf(logStream(client, request, seams(signal, rng)));
}

/** All output of a run that has ended. */
export function outputOf(client: Client, run: Run, stream: 'stdout' | 'stderr', rng: Rng): Promise<string> {
  const request = { namespace, run: run.metadata.name ?? '', stream, follow: false };
  return patiently(() => textOf(logStream(client, request, seams(new AbortController().signal, rng))));
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

const ledgerName = 'ledger';
const counter = 'example.com/counter';

/**
 * Counts up in an object, one write after the other. Each time it looks first: what stands there must not be less than
 * what was acknowledged. Answers how many writes were.
 */
export async function countUp(client: Client, until: AbortSignal): Promise<number> {
  const spec = { command: ['true'], suspend: true };
  const object: Task = { apiVersion, kind: 'Task', metadata: { name: ledgerName, namespace }, spec };
  await patiently(() => client.apply(object, { fieldManager: 'ledger' }));
  let acknowledged = 0;
  let count = 0;
  const look = async () => {
    const { metadata } = await patiently(() => client.get('Task', namespace, ledgerName));
    const found = Number(metadata.annotations?.[counter] ?? 0);
    if (found < acknowledged)
      throw new Error(`write ${acknowledged} was acknowledged, and ${found} stands there`);
    return found;
  };
  while (!until.aborted) {
    const next = (await look()) + 1;
    const patch = { metadata: { annotations: { [counter]: String(next) } } };
    await patiently(() => client.patch('Task', namespace, ledgerName, patch));
    acknowledged = next;
    count += 1;
    await sleep(realClock, 5);
  }
  await look();
  return count;
}
