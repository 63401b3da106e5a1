import {
  type Condition,
  formatBytes,
  getCondition,
  type NewCondition,
  type Observed,
  type Run,
  type RunStatus,
  setCondition,
} from '../api/index.ts';
import { timestamp } from '../base/index.ts';
import type { Execution, ExecutionSpec } from '../executor/index.ts';
import { parseCpuList } from '../topology/index.ts';

const type = 'ResourcesBound';

export type ObservedReport = Pick<RunStatus, 'observed' | 'conditions'>;
type Given = Pick<ExecutionSpec, 'runtime' | 'cpus' | 'memoryNodes' | 'gpus' | 'memoryBytes'>;

/** A program that is bound after its start is seen so a little later: it is looked for again, for so long. */
const lookAgainMs = 1_000;
const lookForMs = 10_000;

/** When to look again for what cannot be seen yet; undefined: it is there, or will not come. */
export function lookAfterMs({ observed, startedAt }: Execution, nowMs: number): number | undefined {
  if (observed || startedAt === undefined || Math.abs(nowMs - startedAt) > lookForMs) return undefined;
  return lookAgainMs;
}

/** What the host does not have yet of what the machine shows; `problem`: why it could not be moved. */
export function observedReport(
  run: Run,
  given: Given | undefined,
  { observed }: Execution,
  problem: string | undefined,
  nowMs: number,
): ObservedReport {
  if (!observed) return {};
  const differences = given ? differencesOf(given, observed) : [];
  const sentences = problem === undefined ? differences : [...differences, problem];
  return {
    ...changesOf(run.status?.observed ?? {}, observed),
    ...conditionOf(sentences, run.status?.conditions, timestamp(nowMs)),
  };
}

/** What is gone is null, as in a merge patch. */
function changesOf(shown: Observed, observed: Observed): Pick<RunStatus, 'observed'> {
  const names = Object.keys({ ...shown, ...observed }) as (keyof Observed)[];
  const isSame = names.every((name) => JSON.stringify(shown[name]) === JSON.stringify(observed[name]));
  if (isSame) return {};
  return { observed: Object.fromEntries(names.map((name) => [name, observed[name] ?? null])) as Observed };
}

/** Absent until something differs. */
function conditionOf(
  sentences: readonly string[],
  shown: Condition[] | undefined,
  now: string,
): Pick<RunStatus, 'conditions'> {
  const before = getCondition(shown, type);
  if (sentences.length === 0 && !before) return {};
  const condition: NewCondition =
    sentences.length === 0
      ? { type, status: 'True', reason: 'AsGiven', message: 'It is held to what it was given.' }
      : { type, status: 'False', reason: 'NotAsGiven', message: sentences.map(ended).join(' ') };
  const old = before ? [before] : [];
  const wanted = setCondition(old, condition, now);
  return wanted === old ? {} : { conditions: wanted };
}

function ended(sentence: string): string {
  return sentence.endsWith('.') ? sentence : `${sentence}.`;
}

/** How the program is not held to what its Run was given: a sentence without its end for each. Less is no difference. */
export function differencesOf(given: Given, observed: Observed): string[] {
  const { cpus, memoryNodes, memoryBytes } = given;
  const sentences: string[] = [];
  if (cpus !== undefined && !isWithin(observed.cpus, cpus))
    sentences.push(
      `Its program may be on CPUs ${observed.cpus ?? 'that are not known'}, and was given ${cpus}`,
    );
  if (memoryNodes !== undefined && !isWithin(observed.memoryNodes, memoryNodes))
    sentences.push(
      `Its memory may be on NUMA nodes ${observed.memoryNodes ?? 'that are not known'}, and was to be on ${memoryNodes}`,
    );
  if (memoryBytes > 0 && !(observed.memory !== undefined && observed.memory <= memoryBytes)) {
    const limit = observed.memory === undefined ? 'no limit' : `a limit of ${formatBytes(observed.memory)}`;
    sentences.push(`It has ${limit} of memory, and was given ${formatBytes(memoryBytes)}`);
  }
  return [...sentences, ...gpuDifferences(given, observed)];
}

function isWithin(list: string | undefined, given: string): boolean {
  const allowed = new Set(parseCpuList(given));
  const found = parseCpuList(list ?? '') ?? [];
  return found.length > 0 && found.every((each) => allowed.has(each));
}

/** A container has the device nodes of a GPU that is no NVIDIA one; other programs are told its UUID all the same. */
function gpuDifferences({ gpus = [], runtime }: Given, observed: Observed): string[] {
  const wanted = gpus.flatMap(({ uuid, devices }) => (runtime === 'docker' && devices) || [uuid]);
  const found = observed.gpus ?? [];
  const isSame = found.length === new Set(wanted).size && wanted.every((each) => found.includes(each));
  if (isSame) return [];
  return [`It has ${listOf(found)}, and was given ${listOf(wanted)}`];
}

function listOf(gpus: readonly string[]): string {
  return gpus.length > 0 ? `GPUs ${gpus.join(', ')}` : 'no GPU';
}
