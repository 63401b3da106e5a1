import { ageOf, type Environment, type Event, formatBytes } from '../../api/index.ts';
import { conditions, events, head, section, yamlSection } from './sections.ts';

export interface DescribedEnvironment {
  object: Environment;
  events: readonly Event[];
  now: number;
}

export function describeEnvironment({ object, events: happened, now }: DescribedEnvironment): string {
  const { phase = 'Pending', digest, image, tarball, progress } = object.status ?? {};
  return [
    head(object, now, [
      ['Phase', phase],
      ['Progress', progress],
      ['Digest', digest],
      ['Image', image],
      ['Tarball', tarball && `${tarball.path} (${formatBytes(tarball.size)})`],
    ]),
    yamlSection('Spec', object.spec),
    steps(object),
    history(object, now),
    nodes(object),
    conditions(object.status?.conditions, now),
    events(happened, now),
  ].join('');
}

function steps({ status }: Environment): string {
  const rows = (status?.steps ?? []).map(({ step, size, cached }, index) => [
    String(index + 1),
    step,
    formatBytes(size),
    cached ? 'as before' : 'done',
  ]);
  return section('Steps', ['STEP', 'WHAT', 'SIZE', 'BUILD'], rows);
}

function history({ status }: Environment, now: number): string {
  const rows = (status?.history ?? []).map(({ digest, size, builtAt, generation }) => [
    digest.replace(/^sha256:/, '').slice(0, 12),
    formatBytes(size),
    ageOf(builtAt, now),
    generation?.toString() ?? '-',
    digest === status?.digest ? 'in use' : '-',
  ]);
  return section('History', ['DIGEST', 'SIZE', 'AGE', 'GENERATION', 'USE'], rows);
}

function nodes({ status }: Environment): string {
  const rows = (status?.nodes ?? []).map(({ name, digest }) => [
    name,
    digest.replace(/^sha256:/, '').slice(0, 12),
  ]);
  return section('Nodes', ['NODE', 'DIGEST'], rows);
}
