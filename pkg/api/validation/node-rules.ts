import type { NodeSpec } from '../types.gen.ts';
import { labelKeyProblem, labelValueProblem } from '../values/names.ts';
import type { FieldPath } from './field-path.ts';
import type { Finding } from './finding.ts';

/** What no schema can say of a Node. `faults`: what the schema has already found wrong, as paths in the spec. */
export function nodeFindings(spec: NodeSpec | undefined, faults: readonly FieldPath[]): Finding[] {
  if (faults.some(([field]) => field === 'taints')) return [];
  const taints = spec?.taints ?? [];
  return taints.flatMap(({ key, value = '', effect }, index): Finding[] => {
    const path = ['spec', 'taints', index];
    const first = taints.findIndex((other) => other.key === key && other.effect === effect);
    if (first < index) {
      const message = `has the key and effect of taints[${first}]; name each once`;
      return [{ path, message, reason: 'FieldValueDuplicate' }];
    }
    const problem = labelKeyProblem(key) ?? labelValueProblem(value);
    return problem === undefined ? [] : [{ path, message: problem, reason: 'FieldValueInvalid' }];
  });
}
