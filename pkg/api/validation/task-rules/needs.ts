import type { Resources, TaskSpec } from '../../types.gen.ts';
import { gpuNeed } from '../../values/gpus.ts';
import { labelKeyProblem, labelValueProblem } from '../../values/names.ts';
import { parseCores, parseQuantity } from '../../values/quantity.ts';
import { formatTarget, parseTarget, type Target } from '../../values/targets.ts';
import type { Finding } from '../finding.ts';
import { forbidden, invalid, knownRuntime, required, tried } from './findings.ts';

/** What a Task asks of nodes, as far as it can be known without them. */
export function checkTargets({ targets = [], resources = {} }: TaskSpec): Finding[] {
  const seen = new Map<string, number>();
  return targets.flatMap((text, index) =>
    tried(['targets', index], () => {
      const target = parseTarget(text);
      const place = formatTarget(target);
      const first = seen.get(place);
      if (first !== undefined) return `is the same place as targets[${first}]; name each once`;
      seen.set(place, index);
      return contradiction(target, resources);
    }),
  );
}

function contradiction({ gpus }: Target, resources: Resources): string | undefined {
  if (!gpus || resources.gpus === undefined) return undefined;
  const asked = gpuNeed(resources.gpus)?.count ?? 0;
  if (asked === gpus.length) return undefined;
  const names = gpus.length === 1 ? '1 GPU' : `${gpus.length} GPUs`;
  return `names ${names}, and resources.gpus asks for ${asked}; leave one of them out`;
}

/** The least that the Docker Engine takes. */
const dockerMemoryMinimum = 6 * 2 ** 20;

export function checkResources(spec: TaskSpec): Finding[] {
  const { cores, memory, pin } = spec.resources ?? {};
  return [
    ...tried(['resources', 'cores'], () => {
      const milliCores = parseCores(cores ?? 1);
      if (!pin || (milliCores > 0 && milliCores % 1000 === 0)) return undefined;
      return `must be a whole number from 1 where pin is true; found ${cores}`;
    }),
    ...tried(['resources', 'memory'], () => {
      if (memory === undefined) return undefined;
      const bytes = parseQuantity(memory);
      if (bytes === 0) return 'must be more than 0; leave it out for no limit';
      return knownRuntime(spec) === 'docker' && bytes < dockerMemoryMinimum
        ? `must be 6Mi or more in docker; found ${memory}`
        : undefined;
    }),
    ...checkGpus(spec.resources?.gpus),
  ];
}

function checkGpus(gpus: Resources['gpus']): Finding[] {
  if (typeof gpus !== 'object') return [];
  const path = ['resources', 'gpus'];
  const { memory, shared } = gpus;
  if (shared && memory === undefined)
    return [
      required([...path, 'memory'], 'is required where shared is true: so much of each GPU is charged'),
    ];
  return tried([...path, 'memory'], () =>
    memory !== undefined && parseQuantity(memory) === 0
      ? 'must be more than 0; leave it out for any amount'
      : undefined,
  );
}

export function checkTolerations({ tolerations = [] }: TaskSpec): Finding[] {
  return tolerations.flatMap(({ key, operator = 'Equal', value }, index) => {
    const path = ['tolerations', index];
    if (operator === 'Exists' && value !== undefined)
      return [forbidden([...path, 'value'], 'cannot stand beside operator: Exists; leave it out')];
    if (key === undefined)
      return operator === 'Exists'
        ? []
        : [required([...path, 'key'], 'is required; for every taint write operator: Exists')];
    const problem = labelKeyProblem(key) ?? labelValueProblem(value ?? '');
    return problem === undefined ? [] : [invalid([...path, 'key'], problem)];
  });
}
