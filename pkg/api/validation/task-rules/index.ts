import { runLimit, spannedPlaces, sweepOf } from '../../spans/index.ts';
import type { TaskSpec } from '../../types.gen.ts';
import { parseDuration } from '../../values/duration.ts';
import { parseMount } from '../../values/mounts.ts';
import {
  environmentNameProblem,
  labelKeyProblem,
  labelValueProblem,
  nameProblem,
} from '../../values/names.ts';
import { type FieldPath, parseField } from '../field-path.ts';
import type { Finding } from '../finding.ts';
import { forbidden, hasImage, invalid, knownRuntime, type Path, required, tried } from './findings.ts';
import { checkResources, checkTargets, checkTolerations } from './needs.ts';

/** A rule that no schema can say. It is asked only when the schema has found nothing wrong with the fields that it reads. */
interface TaskRule {
  reads: readonly (keyof TaskSpec)[];
  check(spec: TaskSpec): Finding[];
}

function checkProgram(spec: TaskSpec): Finding[] {
  const { command, script } = spec;
  if (command && script !== undefined)
    return [forbidden(['script'], 'cannot stand beside command; leave one of them out')];
  if (command || script !== undefined) return [];
  if (spec.runtime && spec.runtime !== 'docker')
    return [required(['command'], `is required, or script, where runtime is ${spec.runtime}`)];
  if (!hasImage(spec))
    return [
      required(['command'], 'is required, or script, or an environment or image with a command of its own'),
    ];
  return [];
}

function checkRuntime(spec: TaskSpec): Finding[] {
  if (spec.image !== undefined && spec.environment !== undefined)
    return [forbidden(['image'], 'cannot stand beside environment; leave one of them out')];
  if (spec.runtime === 'docker' && !hasImage(spec)) {
    return [
      required(
        ['image'],
        'is required, or environment, where runtime is docker; for a plain process of the node write runtime: process',
      ),
    ];
  }
  const runtime = knownRuntime(spec);
  if (runtime === undefined || runtime === 'docker') return [];
  const findings: Finding[] = [];
  if (spec.image !== undefined)
    findings.push(forbidden(['image'], `cannot stand beside runtime: ${runtime}`));
  if (spec.environment !== undefined)
    findings.push(forbidden(['environment'], `cannot stand beside runtime: ${runtime}`));
  if (spec.mounts?.length)
    findings.push(
      forbidden(
        ['mounts'],
        'need runtime: docker; a process sees all of the node; for none write mounts: []',
      ),
    );
  if (spec.privileged)
    findings.push(forbidden(['privileged'], 'needs runtime: docker; write privileged: false'));
  return findings;
}

/** A NUL ends every text that is given to a program: what follows would be lost without a word. */
function checkNul(spec: TaskSpec): Finding[] {
  const texts: [Path, string][] = [
    ...(spec.command ?? []).map((text, index): [Path, string] => [['command', index], text]),
    ...(spec.args ?? []).map((text, index): [Path, string] => [['args', index], text]),
    ...Object.entries(spec.env ?? {}).map(([key, text]): [Path, string] => [['env', key], text]),
    [['workingDir'], spec.workingDir ?? ''],
    [['script'], spec.script ?? ''],
  ];
  return texts
    .filter(([, text]) => text.includes('\0'))
    .map(([path]) => invalid(path, 'must not hold a NUL character'));
}

/** Where a span is that is none, or which make more runs than there may be. */
function checkSpans(spec: TaskSpec): Finding[] {
  const places = spannedPlaces(spec);
  const findings = places.flatMap((place) => tried(parseField(place.name), () => void sweepOf([place])));
  if (findings.length > 0) return findings;
  const points = sweepOf(places).size;
  const targets = spec.targets?.length ?? 1;
  if (points === 1 || points * targets <= runLimit) return [];
  const spanned = places.find((place) => sweepOf([place]).size > 1);
  const by = targets > 1 ? `${points} points on ${targets} targets are` : 'the spans multiply to';
  const message = `${by} ${points * targets} runs, at most ${runLimit} are made; leave values out, or make several Tasks`;
  return [invalid(parseField(spanned?.name ?? 'args'), message)];
}

function checkMounts({ mounts = [] }: TaskSpec): Finding[] {
  const seen = new Map<string, number>();
  return mounts.flatMap((text, index) =>
    tried(['mounts', index], () => {
      const target = parseMount(text).target.replace(/\/+$/, '');
      const first = seen.get(target);
      if (first !== undefined) return `has the same target as mounts[${first}]`;
      seen.set(target, index);
      return undefined;
    }),
  );
}

const rules: readonly TaskRule[] = [
  { reads: ['command', 'script', 'image', 'environment', 'runtime'], check: checkProgram },
  { reads: ['runtime', 'image', 'environment', 'mounts', 'privileged'], check: checkRuntime },
  { reads: ['command', 'args', 'env', 'workingDir', 'script'], check: checkNul },
  {
    reads: ['command'],
    check: ({ command }) =>
      command?.[0] === ''
        ? [invalid(['command', 0], 'must be the name or path of a program; found an empty text')]
        : [],
  },
  {
    reads: ['script'],
    check: ({ script }) =>
      script === undefined || /^#! *\//.test(script)
        ? []
        : [
            invalid(
              ['script'],
              'must begin with #! and the absolute path of its interpreter, as in #!/bin/sh',
            ),
          ],
  },
  {
    reads: ['image'],
    check: ({ image = '' }) =>
      /[\s\p{Cc}]/u.test(image)
        ? [invalid(['image'], 'must be the name of an image, as in python:3.12-slim, without spaces')]
        : [],
  },
  {
    reads: ['environment'],
    check: ({ environment }) =>
      environment === undefined ? [] : tried(['environment'], () => nameProblem(environment)),
  },
  { reads: ['targets', 'resources'], check: checkTargets },
  { reads: ['command', 'args', 'env', 'targets'], check: checkSpans },
  {
    reads: ['nodeSelector'],
    check: ({ nodeSelector = {} }) =>
      Object.entries(nodeSelector).flatMap(([key, value]) =>
        tried(['nodeSelector', key], () => labelKeyProblem(key) ?? labelValueProblem(value)),
      ),
  },
  {
    reads: ['env'],
    check: ({ env = {} }) =>
      Object.keys(env).flatMap((name) => tried(['env', name], () => environmentNameProblem(name))),
  },
  { reads: ['mounts'], check: checkMounts },
  {
    reads: ['workingDir'],
    check: ({ workingDir }) =>
      workingDir === undefined || workingDir.startsWith('/')
        ? []
        : [invalid(['workingDir'], `must be an absolute path; found "${workingDir}"`)],
  },
  { reads: ['resources', 'runtime', 'image', 'environment'], check: checkResources },
  { reads: ['tolerations'], check: checkTolerations },
  {
    reads: ['timeout'],
    check: ({ timeout }) =>
      tried(['timeout'], () =>
        timeout !== undefined && parseDuration(timeout) === 0
          ? 'must be more than 0; leave it out for no limit'
          : undefined,
      ),
  },
  {
    reads: ['retry'],
    check: ({ retry }) => [
      ...tried(['retry', 'backoff'], () => retry?.backoff !== undefined && parseDuration(retry.backoff)),
      ...(retry?.on ?? []).flatMap((end, index, ends) =>
        ends.indexOf(end) < index ? [invalid(['retry', 'on', index], `names ${end} a second time`)] : [],
      ),
    ],
  },
  {
    reads: ['ttlAfterFinished'],
    check: ({ ttlAfterFinished }) =>
      tried(['ttlAfterFinished'], () => ttlAfterFinished !== undefined && parseDuration(ttlAfterFinished)),
  },
];

/** `map` without what the paths name in it; what else it holds is as fit for the rules as before. */
function without(map: object, paths: readonly FieldPath[]): object {
  const left = Object.entries(map).filter(([key]) => !paths.some(([first]) => first === key));
  return Object.fromEntries(left);
}

/**
 * What is wrong with the spec beyond its schema. `faults`: what the schema has already found wrong, as paths in the
 * spec. A fault in an entry of a map leaves the other entries to the rules; any other one its whole field.
 */
export function taskFindings(spec: TaskSpec, faults: readonly FieldPath[]): Finding[] {
  const sound: Record<string, unknown> = { ...spec };
  const faulty = new Set<unknown>();
  for (const [field, ...rest] of faults) {
    const value = sound[String(field)];
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isMap && rest.length > 0) sound[String(field)] = without(value, [rest]);
    else faulty.add(field);
  }
  return rules
    .filter(({ reads }) => !reads.some((field) => faulty.has(field)))
    .flatMap(({ check }) => check(sound as TaskSpec));
}
