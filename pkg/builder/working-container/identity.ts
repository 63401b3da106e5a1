import { labels as imageLabels, stepLabel } from '../images/labels.ts';

const role = 'river.dev/role';
const workingContainer = 'working-container';

/** On the container. An image that is committed inherits them, and takes them off by saying nothing. */
const labels = {
  role,
  environment: 'river.dev/environment',
  /** Uid of the cluster whose host keeps it: two hosts may share an engine. */
  host: 'river.dev/host',
  /** Of the image that it was made from. */
  digest: 'river.dev/digest',
} as const;

/** The one name of it in the engine: making it twice is refused. */
export function containerName(environment: string): string {
  return `river-env-${environment}`;
}

export function containerLabels(host: string, environment: string, digest: string): Record<string, string> {
  return {
    [labels.role]: workingContainer,
    [labels.host]: host,
    [labels.environment]: environment,
    [labels.digest]: digest,
  };
}

/** For questions to the engine: all that this host keeps. */
export function ownFilter(host: string): string[] {
  return [`${labels.role}=${workingContainer}`, `${labels.host}=${host}`];
}

/** Undefined for a container that this host does not keep. */
export function ownerOf(
  found: Readonly<Record<string, string>> | undefined,
  host: string,
): { environment: string; digest: string } | undefined {
  const { [labels.environment]: environment, [labels.digest]: digest } = found ?? {};
  if (found?.[labels.role] !== workingContainer || found[labels.host] !== host) return undefined;
  return environment && digest ? { environment, digest } : undefined;
}

/** Of the image of a commit: found by it when the host was killed before it was published. */
export function committedLabels(cluster: string, request: string): Record<string, string> {
  const blank = Object.values(labels).map((name) => [name, ''] as const);
  return { ...Object.fromEntries(blank), [imageLabels.step]: stepLabel(cluster, `commit-${request}`) };
}
