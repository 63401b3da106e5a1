import { posix } from 'node:path';
import type { ContainerChanges } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';

/** As the engine numbers them. */
const letters = ['C', 'A', 'D'];
const shownPaths = 10;

export const noChanges: ContainerChanges = { added: 0, changed: 0, deleted: 0, paths: [] };

interface Change {
  Path: string;
  Kind: number;
}

/** Raises `ServiceUnavailable` for what is no list: that nothing has changed must be said and not guessed. */
export function countChanges(answer: unknown): ContainerChanges {
  const all = listIn(answer);
  const count = (kind: number) => all.filter(({ Kind }) => Kind === kind).length;
  // Most folders are in the list only because of what is in them: that says more.
  const folders = new Set(all.map(({ Path }) => posix.dirname(Path)));
  const telling = all.filter(({ Path }) => !folders.has(Path));
  return {
    added: count(1),
    changed: count(0),
    deleted: count(2),
    paths: telling
      .sort((left, right) => (left.Path < right.Path ? -1 : 1))
      .slice(0, shownPaths)
      .map(({ Path, Kind }) => `${letters[Kind] ?? '?'} ${Path}`),
  };
}

/** The engine says null when there are none, which its client hands over as it came. */
function listIn(answer: unknown): Change[] {
  if (Array.isArray(answer)) return answer as Change[];
  if (answer === null || String(answer).trim() === 'null') return [];
  throw new RiverError('ServiceUnavailable', 'the engine does not say what has changed in the container');
}

export function isClean({ added, changed, deleted }: ContainerChanges): boolean {
  return added + changed + deleted === 0;
}
