import type { ApiObject, Kind } from '../../pkg/api/index.ts';
import type { ErrorCode } from '../../pkg/base/index.ts';
import type { ListOptions, StoreEventType } from '../../pkg/store/index.ts';

export interface ModelState {
  version: number;
  object: ApiObject;
}

export interface ModelEvent {
  version: number;
  type: StoreEventType;
  kind: Kind;
  key: string;
  object: ApiObject;
}

/** The store as simple as it can be said: a list of all that ever happened. */
export class Model {
  readonly events: ModelEvent[] = [];

  version(): number {
    return this.events.at(-1)?.version ?? 0;
  }

  /** All living objects of a kind at a version, by `namespace/name`. */
  at(kind: Kind, version = Number.POSITIVE_INFINITY): Map<string, ModelState> {
    const states = new Map<string, ModelState>();
    for (const event of this.events) {
      if (event.kind !== kind || event.version > version) continue;
      if (event.type === 'DELETED') states.delete(event.key);
      else states.set(event.key, { version: event.version, object: event.object });
    }
    return states;
  }

  /** `namespace/name@version` of what a list must show, in order. */
  list(kind: Kind, options: ListOptions, version?: number): string[] {
    const matching = [...this.at(kind, version)].filter(([, { object }]) => matches(object, options));
    const ordered = matching.sort(([left], [right]) => compareKeys(left, right));
    return ordered.map(([key, state]) => `${key}@${state.version}`);
  }

  /** Why a write must be refused; undefined when it must succeed. */
  refusal(
    kind: Kind,
    key: string,
    write: 'put' | 'delete',
    expect: number | undefined,
  ): ErrorCode | undefined {
    const present = this.at(kind).get(key);
    if (write === 'delete' && !present) return 'NotFound';
    if (expect === undefined) return undefined;
    if (write === 'put' && expect === 0) return present ? 'AlreadyExists' : undefined;
    return present?.version === expect ? undefined : 'Conflict';
  }

  write(kind: Kind, key: string, version: number, object: ApiObject | undefined): void {
    const present = this.at(kind).get(key);
    const type = object ? (present ? 'MODIFIED' : 'ADDED') : 'DELETED';
    this.events.push({ version, type, kind, key, object: object ?? (present as ModelState).object });
  }

  /** Forgets what came after `version`. */
  cut(version: number): void {
    const kept = this.events.filter((event) => event.version <= version);
    this.events.splice(0, this.events.length, ...kept);
  }
}

const ended = ['Succeeded', 'Failed', 'Stopped'];

function matches(
  object: ApiObject,
  { namespace, labels = {}, ownerUid, node, active }: ListOptions,
): boolean {
  const { metadata } = object;
  const phase = (object.status as { phase?: string } | undefined)?.phase;
  const placement = (object.spec as { placement?: { node?: string } }).placement;
  return (
    (namespace === undefined || metadata.namespace === namespace) &&
    Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value) &&
    (ownerUid === undefined || (metadata.ownerReferences ?? []).some(({ uid }) => uid === ownerUid)) &&
    (node === undefined || placement?.node === node) &&
    (!active || !ended.includes(phase ?? 'Pending'))
  );
}

function compareKeys(left: string, right: string): number {
  const [leftNamespace = '', leftName = ''] = left.split('/');
  const [rightNamespace = '', rightName = ''] = right.split('/');
  if (leftNamespace !== rightNamespace) return leftNamespace < rightNamespace ? -1 : 1;
  return leftName < rightName ? -1 : leftName > rightName ? 1 : 0;
}
