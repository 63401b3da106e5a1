import { type Run, unknownRunFields } from '../api/index.ts';
import type { Failure, Situation } from './situation.ts';

/** A runtime that has not worked for so long is no passing restart of an engine. */
const patienceMs = 120_000;

/**
 * Why this node will not run it; the Run then goes back to the scheduler and avoids this node for good. Hence only
 * for what will not pass, and never for a Run that may have been started.
 */
export function refusalOf(run: Run, node: Situation['node']): Failure | undefined {
  if (run.status?.phase !== 'Scheduled') return undefined;
  const { runtime, target } = run.spec;
  const unknown = unknownRunFields(run);
  if (unknown.length > 0)
    return {
      reason: 'UnknownFields',
      message: `The runner of this node is older than the host and does not know ${unknown.join(', ')}: upgrade it.`,
    };
  if (!node.runtimeEnabled)
    return {
      reason: 'RuntimeNotAllowed',
      message: `The configuration of this node's runner does not allow the runtime ${runtime}.`,
    };
  // A Run with a target has nowhere else to go: it waits.
  if (node.notReadyMs > patienceMs && target === undefined)
    return { reason: 'RuntimeNotReady', message: `The runtime ${runtime} does not work on this node.` };
  return undefined;
}
