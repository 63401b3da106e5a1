import { formatTarget } from '../../api/index.ts';
import { fits } from '../fits.ts';
import type { Need } from '../need.ts';
import { formatTaint, untolerated } from '../taints.ts';
import { amountEdits } from './less.ts';
import type { NodeTaken } from './why.ts';

/** One line of a manifest that would be another. */
export interface Edit {
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

interface Option {
  edits: readonly Edit[];
  on: NodeTaken;
}

/**
 * The smallest change of the manifest with which the Run fits somewhere now: one field rather than two; then whatever
 * gives up least. Each is tried with `fits()` itself, so what it says is true at this moment. Undefined: there is none.
 */
export function smallestChange(need: Need, nodes: readonly NodeTaken[]): Change | undefined {
  const single = nodes.flatMap((on) => editsFor(need, on).map((edit): Option => ({ edits: [edit], on })));
  return (
    cheapest(single, need) ??
    cheapest(
      nodes.flatMap((on) => pairsFor(need, on)),
      need,
    )
  );
}

/** Only of what one node asks for: nothing else would help there, and all with all would be too many. */
function pairsFor(need: Need, on: NodeTaken): Option[] {
  const edits = editsFor(need, on);
  return edits.flatMap((edit, index) =>
    edits
      .slice(index + 1)
      .filter((other) => other.field !== edit.field)
      .map((other): Option => ({ edits: [edit, other], on })),
  );
}

function cheapest(options: readonly Option[], need: Need): Change | undefined {
  const cost = ({ edits }: Option) => edits.reduce((sum, edit) => sum + edit.cost, 0);
  for (const { edits, on } of [...options].sort((left, right) => cost(left) - cost(right))) {
    const changed = edits.reduce((before, edit) => edit.apply(before), need);
    if (!fits(changed, on.node, on.held).fits) continue;
    const shown = edits.map(({ field, from, to }) => ({ field, from, to }));
    return { edits: shown, node: on.node.metadata.name ?? '' };
  }
  return undefined;
}

/** What could be asked for otherwise, with a view to one node. */
function editsFor(need: Need, on: NodeTaken): Edit[] {
  return [...placeEdits(need, on.node), ...shapeEdits(need), ...amountEdits(need, on)];
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
