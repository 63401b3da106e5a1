import { ageOf, type Environment, type Event, formatBytes } from '../../api/index.ts';
import { shortDigest } from '../../environment/index.ts';
import { conditions, events, head, section, yamlSection } from './sections.ts';

export interface DescribedEnvironment {
  object: Environment;
  events: readonly Event[];
  now: number;
}

export function describeEnvironment({ object, events: happened, now }: DescribedEnvironment): string {
  const { phase = 'Pending', digest, image, tarball, progress, request } = object.status ?? {};
  return [
    head(object, now, [
      ['Phase', phase],
      ['Progress', progress],
      ['Request', request && `${request.action} by ${request.by}, ${ageOf(request.at, now)} ago`],
      ['Digest', digest],
      ['Image', image],
      ['Tarball', tarball && `${tarball.path} (${formatBytes(tarball.size)})`],
    ]),
    yamlSection('Spec', object.spec),
    steps(object),
    history(object, now),
    container(object, now),
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
  const rows = (status?.history ?? []).map(({ digest, size, builtAt, generation, commit }) => [
    shortDigest(digest),
    formatBytes(size),
    ageOf(builtAt, now),
    generation?.toString() ?? '-',
    digest === status?.digest ? 'in use' : '-',
    commit
      ? `commit by ${commit.by} on ${shortDigest(commit.parentDigest)}${commit.message ? `: ${commit.message}` : ''}`
      : 'build',
  ]);
  return section('History', ['DIGEST', 'SIZE', 'AGE', 'GENERATION', 'USE', 'BY'], rows);
}

function container({ status }: Environment, now: number): string {
  const { name, phase, since, digest, changes } = status?.container ?? {};
  if (name === undefined) return '';
  const count = changes
    ? `${changes.added} added, ${changes.changed} changed, ${changes.deleted} deleted`
    : 'not known while somebody is in it';
  const state = `${phase}${since ? ` (${ageOf(since, now)})` : ''}`;
  const paths = (changes?.paths ?? []).map((path) => ['', '', '', path]);
  return section(
    'Working container',
    ['NAME', 'PHASE', 'DIGEST', 'NOT COMMITTED'],
    [[name, state, digest ? shortDigest(digest) : '-', count], ...paths],
  );
}

function nodes({ status }: Environment): string {
  const rows = (status?.nodes ?? []).map(({ name, digest }) => [name, shortDigest(digest)]);
  return section('Nodes', ['NODE', 'DIGEST'], rows);
}
