import { type ApiObject, type Condition, runPhases, suggestion } from '../../api/index.ts';
import { UsageError } from '../errors.ts';

/** What `river wait --for` waits for. */
export interface WaitFor {
  /** In what is printed, as in `task.river.dev/hello condition met`. */
  outcome: string;
  /** After "before", as in `time is up before it was deleted`. */
  wanted: string;
  metByAbsence: boolean;
  met(object: ApiObject): boolean;
  /** Why it can never come about without someone's doing; undefined while it can. */
  impossible(object: ApiObject): string | undefined;
}

interface SeenStatus {
  phase?: string;
  reason?: string;
  observedGeneration?: number;
  conditions?: Condition[];
}

const ends = ['Succeeded', 'Failed', 'Stopped'];

/** `delete`, `condition=TYPE[=STATUS]` or `phase=PHASE`. Raises UsageError. */
export function parseWaitFor(text: string): WaitFor {
  const [form = '', name = '', ...rest] = text.split('=');
  if (text === 'delete') return waitForDelete;
  if (form === 'condition' && name && rest.length < 2) return waitForCondition(name, rest[0] ?? 'True');
  if (form === 'phase' && name && rest.length === 0) return waitForPhase(name);
  throw new UsageError(
    `river: --for=${text} is none of delete, condition=TYPE, condition=TYPE=STATUS and phase=PHASE`,
  );
}

const waitForDelete: WaitFor = {
  outcome: 'deleted',
  wanted: 'it was deleted',
  metByAbsence: true,
  met: () => false,
  impossible: () => undefined,
};

function waitForCondition(type: string, status: string): WaitFor {
  const wanted = status.toLowerCase();
  return {
    outcome: `condition ${type}=${status} met`,
    wanted: `condition ${type} was ${status}`,
    metByAbsence: false,
    met: (object) => {
      const found = statusOf(object).conditions?.find(
        (each) => each.type.toLowerCase() === type.toLowerCase(),
      );
      return isCurrent(object, found?.observedGeneration) && found?.status.toLowerCase() === wanted;
    },
    impossible: (object) =>
      type.toLowerCase() === 'complete' && wanted === 'true'
        ? endedOtherwise(object, 'Succeeded')
        : undefined,
  };
}

function waitForPhase(phase: string): WaitFor {
  const known = [...runPhases, 'Suspended', 'Stopping'];
  if (!known.some((each) => each.toLowerCase() === phase.toLowerCase())) {
    throw new UsageError(
      `river: there is no phase ${phase}${suggestion(phase, known) || `; there are ${known.join(', ')}`}`,
    );
  }
  return {
    outcome: `phase ${phase} met`,
    wanted: `its phase was ${phase}`,
    metByAbsence: false,
    met: (object) => isCurrent(object) && statusOf(object).phase?.toLowerCase() === phase.toLowerCase(),
    impossible: (object) => endedOtherwise(object, phase),
  };
}

function statusOf(object: ApiObject): SeenStatus {
  return (object.status ?? {}) as SeenStatus;
}

/** A status made for an older spec says nothing about what was just applied. Runs never change and have no generation to observe. */
function isCurrent(object: ApiObject, ofCondition?: number): boolean {
  const observed = ofCondition ?? statusOf(object).observedGeneration;
  if (object.kind !== 'Task') return true;
  return observed !== undefined && observed >= (object.metadata.generation ?? 0);
}

function endedOtherwise(object: ApiObject, wanted: string): string | undefined {
  const { phase = '', reason, conditions = [] } = statusOf(object);
  if (!isCurrent(object) || !ends.includes(phase) || phase.toLowerCase() === wanted.toLowerCase())
    return undefined;
  const failure =
    conditions.find(({ type, status }) => type === 'Failed' && status === 'True')?.message ?? reason;
  return `has ended as ${phase}${failure ? `: ${failure}` : ''}`;
}
