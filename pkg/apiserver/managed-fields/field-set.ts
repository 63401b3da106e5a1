/**
 * Sets of fields as server-side apply keeps them (FieldsV1). A field is a path of elements: `f:name` of a map,
 * `k:{"type":"Ready"}` of a list that is a map by a key, `v:"x"` of a set. A set holds leaves, and items of
 * keyed lists. Source of the rules: sigs.k8s.io/structured-merge-diff and Kubernetes' "Server-Side Apply" page.
 */
export type FieldPath = readonly string[];

const separator = '\u0000';

export class FieldSet {
  readonly #members = new Map<string, FieldPath>();

  static of(paths: Iterable<FieldPath>): FieldSet {
    const set = new FieldSet();
    for (const path of paths) set.add(path);
    return set;
  }

  get size(): number {
    return this.#members.size;
  }

  add(path: FieldPath): void {
    this.#members.set(path.join(separator), path);
  }

  has(path: FieldPath): boolean {
    return this.#members.has(path.join(separator));
  }

  paths(): FieldPath[] {
    return [...this.#members.values()];
  }

  union(other: FieldSet): FieldSet {
    return FieldSet.of([...this.paths(), ...other.paths()]);
  }

  difference(other: FieldSet): FieldSet {
    return FieldSet.of(this.paths().filter((path) => !other.has(path)));
  }

  intersection(other: FieldSet): FieldSet {
    return FieldSet.of(this.paths().filter((path) => other.has(path)));
  }

  /** Whether the path or anything below it is a member. */
  touches(path: FieldPath): boolean {
    if (path.length === 0) return this.size > 0;
    const prefix = path.join(separator);
    if (this.#members.has(prefix)) return true;
    for (const member of this.#members.keys()) if (member.startsWith(prefix + separator)) return true;
    return false;
  }

  equals(other: FieldSet): boolean {
    return this.size === other.size && this.paths().every((path) => other.has(path));
  }
}

interface Tree {
  [element: string]: Tree;
}

/** The wire form: nested maps, `.` marks an inner node that is itself a member. */
export function toFieldsV1(set: FieldSet): Record<string, unknown> {
  const root: Tree = {};
  const sorted = set.paths().toSorted((a, b) => (a.join(separator) < b.join(separator) ? -1 : 1));
  const members = new Set<Tree>();
  for (const path of sorted) {
    let tree = root;
    for (const element of path) {
      if (members.has(tree)) tree['.'] = {};
      tree = tree[element] ??= {};
    }
    members.add(tree);
  }
  return root;
}

export function fromFieldsV1(fields: Record<string, unknown> | undefined): FieldSet {
  const set = new FieldSet();
  const walk = (tree: Record<string, unknown>, path: FieldPath) => {
    const keys = Object.keys(tree);
    if (path.length > 0 && (keys.length === 0 || keys.includes('.'))) set.add(path);
    for (const key of keys) {
      const child = tree[key];
      if (key !== '.' && isMap(child)) walk(child, [...path, key]);
    }
  };
  walk(fields ?? {}, []);
  return set;
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** For people, as Kubernetes prints it: `.spec.env.KEY`, `.status.conditions[type="Ready"]`. */
export function printPath(path: FieldPath): string {
  return path.map(printElement).join('');
}

function printElement(element: string): string {
  const rest = element.slice(2);
  if (element.startsWith('f:')) return `.${rest}`;
  if (element.startsWith('v:')) return `[=${rest}]`;
  const key = Object.entries(JSON.parse(rest) as Record<string, unknown>);
  return `[${key.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
}
