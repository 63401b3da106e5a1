import type { EnvironmentStatus, Node } from '../../api/index.ts';

type Holder = NonNullable<EnvironmentStatus['nodes']>[number];

/** Which nodes have which digests of the environment, by node. */
export function holdersOf(name: string, nodes: readonly Node[]): Holder[] {
  return nodes
    .flatMap(({ metadata, status }) =>
      (status?.images ?? [])
        .filter((image) => image.name === name)
        .map(({ digest }) => ({ name: metadata.name ?? '', digest })),
    )
    .sort((a, b) => compare(a.name, b.name) || compare(a.digest, b.digest));
}

const compare = (a: string, b: string) => (a < b ? -1 : Number(a > b));

/** Environments that have come to or gone from the node between these two looks at it. */
export function changedImages(before: Node | undefined, now: Node | undefined): string[] {
  const all = [...(before?.status?.images ?? []), ...(now?.status?.images ?? [])];
  const changed = all.filter(({ name, digest }) => isOn(before, name, digest) !== isOn(now, name, digest));
  return [...new Set(changed.map(({ name }) => name))];
}

function isOn(node: Node | undefined, name: string, digest: string): boolean {
  return node?.status?.images?.some((image) => image.name === name && image.digest === digest) ?? false;
}
