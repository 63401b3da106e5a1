import { posix } from 'node:path';
import { hasCode } from '../../base/index.ts';
import type { EnvironmentSpec, EnvironmentStep } from '../types.gen.ts';
import { parseDuration } from '../values/duration.ts';
import { imageNameProblem } from '../values/image-name.ts';
import { environmentNameProblem, nameProblem } from '../values/names.ts';
import { parseCores, parseQuantity } from '../values/quantity.ts';
import type { FieldPath } from './field-path.ts';
import type { Finding } from './finding.ts';

type Problem = string | undefined;

/** Finding of a check that answers with a problem, or of a parser that raises `Invalid`. */
function tried(path: FieldPath, check: () => unknown): Finding[] {
  const finding = (message: string): Finding[] => [
    { path: ['spec', ...path], message, reason: 'FieldValueInvalid' },
  ];
  try {
    const problem = check();
    return typeof problem === 'string' ? finding(problem) : [];
  } catch (error) {
    if (hasCode(error, 'Invalid')) return finding(error.message);
    throw error;
  }
}

const absoluteProblem = (path: string): Problem =>
  path.startsWith('/') ? nulProblem(path) : `must be an absolute path; found "${path}"`;
const nulProblem = (text: string): Problem =>
  text.includes('\0') ? 'must not hold a NUL character' : undefined;

/** The engine's builder reads line by line. */
const lineProblem = (text: string): Problem =>
  nulProblem(text) ?? (/[\r\n]/.test(text) ? 'must be one line' : undefined);

function imageProblem(image: string): Problem {
  if (image === 'scratch') return 'is no image; for a root file system of your own write rootfs';
  return imageNameProblem(image);
}

function baseFindings({ from }: EnvironmentSpec): Finding[] {
  const { image, environment, tarball, rootfs } = from;
  return [
    ...(image === undefined ? [] : tried(['from', 'image'], () => imageProblem(image))),
    ...(environment === undefined ? [] : tried(['from', 'environment'], () => nameProblem(environment))),
    ...(tarball === undefined ? [] : tried(['from', 'tarball'], () => absoluteProblem(tarball))),
    ...(rootfs === undefined ? [] : tried(['from', 'rootfs'], () => absoluteProblem(rootfs))),
  ];
}

/** By its letters alone; that no link leads out of the folder is seen when the file is read. */
function sourceProblem(from: string): Problem {
  if (from.startsWith('/') || posix.normalize(from).split('/')[0] === '..')
    return `must stay within the folder of the manifest; found "${from}"`;
  return nulProblem(from);
}

function runFindings(path: FieldPath, run: string | string[]): Finding[] {
  if (typeof run === 'string') return tried(path, () => nulProblem(run));
  return [
    ...tried([...path, 0], () =>
      run[0] === '' ? 'must be the name or path of a program; found an empty text' : undefined,
    ),
    ...run.flatMap((text, index) => tried([...path, index], () => nulProblem(text))),
  ];
}

function stepFindings({ run, copy, env, workdir }: EnvironmentStep, index: number): Finding[] {
  const path: FieldPath = ['steps', index];
  return [
    ...(run === undefined ? [] : runFindings([...path, 'run'], run)),
    ...(copy === undefined
      ? []
      : [
          ...tried([...path, 'copy', 'from'], () => sourceProblem(copy.from)),
          ...tried([...path, 'copy', 'to'], () => absoluteProblem(copy.to)),
        ]),
    ...Object.entries(env ?? {}).flatMap(([name, value]) =>
      tried([...path, 'env', name], () => environmentNameProblem(name) ?? lineProblem(value)),
    ),
    ...(workdir === undefined
      ? []
      : tried([...path, 'workdir'], () => absoluteProblem(workdir) ?? lineProblem(workdir))),
  ];
}

/** The least that the Docker Engine takes. */
const memoryMinimum = 6 * 2 ** 20;

function limitFindings({ limits = {} }: EnvironmentSpec): Finding[] {
  const { cores = 0, memory, timeout } = limits;
  return [
    ...tried(['limits', 'cores'], () => parseCores(cores)),
    ...tried(['limits', 'memory'], () =>
      memory !== undefined && parseQuantity(memory) < memoryMinimum
        ? `must be 6Mi or more; found ${memory}`
        : undefined,
    ),
    ...tried(['limits', 'timeout'], () =>
      timeout !== undefined && parseDuration(timeout) === 0
        ? 'must be more than 0; leave it out for one hour'
        : undefined,
    ),
  ];
}

function suspendFindings({ suspend, interactive }: EnvironmentSpec): Finding[] {
  const problem = 'stops the working container, and there is none: set interactive: true, or leave it out';
  return tried(['suspend'], () => (suspend === true && interactive !== true ? problem : undefined));
}

const checks: readonly [field: keyof EnvironmentSpec, check: (spec: EnvironmentSpec) => Finding[]][] = [
  ['from', baseFindings],
  ['steps', ({ steps = [] }) => steps.flatMap(stepFindings)],
  ['limits', limitFindings],
  ['suspend', suspendFindings],
];

/** What is wrong beyond the schema. `faults`: what that has found, as paths in the spec: those fields are not looked at. */
export function environmentFindings(spec: EnvironmentSpec, faults: readonly FieldPath[]): Finding[] {
  const faulty = new Set(faults.map(([field]) => field));
  return checks.filter(([field]) => !faulty.has(field)).flatMap(([, check]) => check(spec));
}
