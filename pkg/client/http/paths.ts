import { type Kind, resources } from '../../api/index.ts';

const root = '/apis/river.dev/v1';

/** `/apis/river.dev/v1/[namespaces/NS/]PLURAL[/NAME[/SUB]]`. Without a namespace: all of them. */
export function resourcePath(kind: Kind, namespace?: string, name?: string, subresource?: string): string {
  const resource = resources[kind];
  const scope = resource.namespaced && namespace ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const tail = [name, subresource].filter((part) => part !== undefined && part !== '');
  return `${root}${scope}/${resource.plural}${tail.map((part) => `/${encodeURIComponent(part as string)}`).join('')}`;
}

export function uploadPath(sha256: string): string {
  return `${root}/uploads/${encodeURIComponent(sha256)}`;
}
