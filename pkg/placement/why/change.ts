import { formatCores, formatQuantity, formatTarget } from '../../api/index.ts';
import type { Held } from '../charges.ts';
import { allocatable, fits } from '../fits.ts';
import type { Need } from '../need.ts';
import { shapeOf } from '../node-shape.ts';
import { formatTaint, untolerated } from '../taints.ts';
import type { NodeTaken } from './why.ts';

/** One line of a manifest that would be another. */
interface Edit {
  field: string;
  from: string;
  to: string;
  /** How much is given up: 0 to 1. Where it runs costs less than what it gets. */
  cost: number;
  apply(need: Need): Need;
}

export interface Change {
  /** What to write instead, at most two fields. */
  edits: { field: string; from: string; to: string }[];
  /** Where it would run then. */
  node: string;
}

/**
 * The smallest change of the manifest with which the Run fits somewhere now: one field rather than two; then whatever
 * gives up least. Each is tried with `fits()` itself, so what it says is true at this moment. Undefined: there is none.
 */
export function smallestChange(need: Need, nodes: readonly NodeTaken[]): Change | undefined {
  const edits = unique(nodes.flatMap((taken) => editsFor(need, taken)));
  const single = cheapest(
    edits.map((edit) => [edit]),
    need,
    nodes,
  );
  if (single) return single;
  const pairs = edits.flatMap((edit, index) =>
    edits.slice(index + 1).flatMap((other) => (other.field === edit.field ? [] : [[edit, other]])),
  );
  return cheapest(pairs, need, nodes);
}

function cheapest(options: Edit[][], need: Need, nodes: readonly NodeTaken[]): Change | undefined {
  const cost = (edits: readonly Edit[]) => edits.reduce((sum, edit) => sum + edit.cost, 0);
  for (const edits of [...options].sort((left, right) => cost(left) - cost(right))) {
    const changed = edits.reduce((before, edit) => edit.apply(before), need);
    const found = nodes.find(({ node, held }) => fits(changed, node, held).fits);
    if (found) {
      const shown = edits.map(({ field, from, to }) => ({ field, from, to }));
      return { edits: shown, node: found.node.metadata.name ?? '' };
    }
  }
  return undefined;
}

function unique(edits: readonly Edit[]): Edit[] {
  return [...new Map(edits.map((edit) => [`${edit.field}=${edit.to}`, edit])).values()];
}

/** What could be asked for less, with a view to one node. */
function editsFor(need: Need, { node, held }: NodeTaken): Edit[] {
  return [...placeEdits(need, node), ...shapeEdits(need), ...amountEdits(need, node, held)];
}

function placeEdits(need: Need, node: NodeTaken['node']): Edit[] {
  const { target } = need;
  // GPUs that only the target asks for would be lost with it.
  const gpus = target?.gpus ? ` with resources.gpus ${target.gpus.length}` : '';
  const elsewhere: Edit[] = target
    ? [
        {
          field: 'spec.targets',
          from: formatTarget(target),
          to: `left out${gpus}`,
          cost: 0.1,
          apply: ({ target: _target, ...rest }) => rest,
        },
      ]
    : [];
  const taints = untolerated(node, 'NoSchedule', need.tolerations);
  const tolerated: Edit[] =
    taints.length === 0
      ? []
      : [
          {
            field: 'spec.tolerations',
            from: 'none for it',
            to: `for ${taints.map(formatTaint).join(' and ')}`,
            cost: 0.15 * taints.length,
            apply: (before) => ({ ...before, tolerations: [...before.tolerations, ...taints] }),
          },
        ];
  const { labels = {} } = node.metadata;
  const selectors = Object.entries(need.nodeSelector)
    .filter(([key, value]) => labels[key] !== value)
    .map(([key, value]): Edit => {
      const { [key]: _dropped, ...nodeSelector } = need.nodeSelector;
      return {
        field: `spec.nodeSelector.${key}`,
        from: value,
        to: 'left out',
        cost: 0.2,
        apply: (before) => ({ ...before, nodeSelector }),
      };
    });
  return [...elsewhere, ...tolerated, ...selectors];
}

function shapeEdits(need: Need): Edit[] {
  const edits: Edit[] = [];
  if (need.numa === 'require') {
    const apply = (before: Need): Need => ({ ...before, numa: 'prefer' });
    edits.push({ field: 'spec.resources.numa', from: 'require', to: 'prefer', cost: 0.25, apply });
  }
  if (need.pin) {
    const apply = (before: Need): Need => ({ ...before, pin: false });
    edits.push({ field: 'spec.resources.pin', from: 'true', to: 'false', cost: 0.3, apply });
  }
  const { model } = need.gpus ?? {};
  if (model !== undefined) {
    const apply = (before: Need): Need => {
      const { model: _model, ...gpus } = before.gpus ?? { count: 1 };
      return { ...before, gpus };
    };
    edits.push({ field: 'spec.resources.gpus.model', from: model, to: 'left out', cost: 0.4, apply });
  }
  return edits;
}

/** What is below this is of no use, and too little for a container. */
const leastMemory = 16 * 2 ** 20;

/** Less of an amount, down to what is free there. */
function amountEdits(need: Need, node: NodeTaken['node'], held: Held): Edit[] {
  const total = allocatable(node);
  const edits: Edit[] = [];
  const cores = Math.min(total.milliCores - held.milliCores, need.milliCores - 1);
  const milliCores = need.pin ? Math.floor(cores / 1000) * 1000 : cores;
  if (milliCores > 0) {
    const cost = 0.5 + (1 - milliCores / need.milliCores) / 2;
    const [from, to] = [formatCores(need.milliCores), formatCores(milliCores)];
    edits.push({
      field: 'spec.resources.cores',
      from,
      to,
      cost,
      apply: (before) => ({ ...before, milliCores }),
    });
  }
  const memoryBytes = Math.min(total.memoryBytes - held.memoryBytes, need.memoryBytes - 1);
  if (memoryBytes >= leastMemory) {
    const rounded = Math.floor(memoryBytes / 2 ** 20) * 2 ** 20;
    const cost = 0.5 + (1 - rounded / need.memoryBytes) / 2;
    const [from, to] = [formatQuantity(need.memoryBytes), formatQuantity(rounded)];
    const apply = (before: Need): Need => ({ ...before, memoryBytes: rounded });
    edits.push({ field: 'spec.resources.memory', from, to, cost, apply });
  }
  return [...edits, ...gpuEdits(need, node)];
}

function gpuEdits({ gpus, target }: Need, node: NodeTaken['node']): Edit[] {
  if (!gpus || target?.gpus) return [];
  const has = shapeOf(node).gpus.length;
  return Array.from({ length: Math.min(gpus.count - 1, has) }, (_, index): Edit => {
    const count = index + 1;
    return {
      field: 'spec.resources.gpus',
      from: String(gpus.count),
      to: String(count),
      cost: 0.5 + (1 - count / gpus.count) / 2,
      apply: (before) => ({ ...before, gpus: { ...gpus, ...before.gpus, count } }),
    };
  });
}
