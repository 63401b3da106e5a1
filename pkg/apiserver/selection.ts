import {
  type ApiObject,
  exactField,
  type Identity,
  type Kind,
  matchesFields,
  matchesLabels,
  parseFieldSelector,
  parseLabelSelector,
  selectorToIndexLabels,
} from '../api/index.ts';
import type { SelectorOptions } from '../client/index.ts';
import type { ListOptions } from '../store/index.ts';
import { isVisible } from './authorize.ts';

/** What a list or watch asks for, split into what the store's indexes answer and what has to be looked at. */
export interface Selection {
  index: Pick<ListOptions, 'namespace' | 'labels' | 'node'>;
  /** Undefined: everything that the indexes find is wanted, and nothing needs to be parsed. */
  filter?: (object: ApiObject) => boolean;
  matches(object: ApiObject): boolean;
}

/** Raises `BadRequest` for selectors that cannot be read. A node's own limits are added as if it had asked for them. */
export function selectionOf(identity: Identity, kind: Kind, options: SelectorOptions): Selection {
  const labels = parseLabelSelector(options.labelSelector);
  const fields = parseFieldSelector(kind, options.fieldSelector);
  const ownNode = identity.role === 'node' ? identity.name : undefined;
  const node = kind === 'Run' ? (ownNode ?? exactField(fields, 'spec.placement.node')) : undefined;
  const namespace = options.namespace || undefined;
  const matches = (object: ApiObject) =>
    (namespace === undefined || object.metadata.namespace === namespace) &&
    matchesLabels(labels, object.metadata.labels) &&
    matchesFields(fields, object) &&
    isVisible(identity, object);
  const exact = selectorToIndexLabels(labels);
  // As many exact labels as requirements: none is of another kind, and no two are about the same key.
  const indexed =
    Object.keys(exact).length === labels.length &&
    (fields.length === 0 || (Boolean(node) && fields.length === 1 && ownNode === undefined)) &&
    (ownNode === undefined || kind === 'Run');
  return {
    index: {
      namespace,
      ...(Object.keys(exact).length > 0 ? { labels: exact } : {}),
      ...(node ? { node } : {}),
    },
    filter: indexed ? undefined : matches,
    matches,
  };
}
