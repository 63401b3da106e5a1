import type { ApiObject } from '../../pkg/api/index.ts';

interface Fields {
  namespace?: string;
  labels?: Record<string, string>;
}

/** The least that a store looks at. */
export function task(name: string, { namespace = 'default', labels }: Fields = {}): ApiObject {
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name, namespace, labels },
    spec: { command: ['true'] },
  };
}

export function run(
  name: string,
  fields: Fields & { owner?: string; node?: string; phase?: string },
): ApiObject {
  const { namespace = 'default', labels, owner, node, phase } = fields;
  const reference = { apiVersion: 'river.dev/v1', kind: 'Task', name: 'owner', uid: owner ?? '' };
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Run',
    metadata: { name, namespace, labels, ownerReferences: owner ? [reference] : undefined },
    spec: { placement: node ? { node } : undefined },
    status: phase ? { phase } : undefined,
  };
}
