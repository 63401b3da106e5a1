import type { ContainerChanges, EnvironmentStatus } from '../../api/index.ts';
import { isClean } from '../../builder/index.ts';
import { shortDigest } from '../../environment/index.ts';
import type { ObservedContainer, WantedContainer } from './container-step.ts';
import type { ConditionChange } from './status-writer.ts';

export type ContainerStatus = NonNullable<EnvironmentStatus['container']>;

/** As a merge patch: what is not known is taken out. */
export function containerStatus(found: ObservedContainer | undefined) {
  if (!found) return null;
  const { id, name, running, since, base, changes } = found;
  return {
    ...{ name, id, phase: running ? 'Running' : 'Stopped', since, digest: base },
    changes: changes ?? null,
  };
}

/** The condition ContainerReady, of a container that has come to rest. */
export function containerCondition(
  name: string,
  wanted: WantedContainer | undefined,
  found: ObservedContainer | undefined,
): ConditionChange {
  const says = (reason: string, message: string): ConditionChange => [
    'ContainerReady',
    found?.running === true,
    reason,
    message,
  ];
  if (!found) return says('NotInteractive', '');
  const way = `river commit env/${name} makes them the next digest, river discard env/${name} throws them away`;
  const changes = shownChanges(found.changes);
  if (!wanted) return says('Kept', `it is stopped and kept because of ${changes}: ${way}`);
  const base = shortDigest(found.base);
  if (found.base !== wanted.digest) {
    const next = shortDigest(wanted.digest);
    if (found.changes && isClean(found.changes))
      return says('Behind', `it moves from ${base} to ${next} when nobody is in it any more`);
    return says('Behind', `it stays on ${base} because of ${changes}, and ${next} is in use: ${way}`);
  }
  if (wanted.suspend) return says('Suspended', 'what is in it stays; suspend: false starts it again');
  return says('Running', `it is on ${base}`);
}

export function shownChanges(changes: ContainerChanges | undefined): string {
  if (!changes) return 'what may not be committed in it';
  const count = changes.added + changes.changed + changes.deleted;
  return `${count} ${count === 1 ? 'change that is' : 'changes that are'} not committed`;
}
