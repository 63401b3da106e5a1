import type { Execution } from './types.ts';

/** It was started and has not ended: it runs or is paused. */
export function isLive(execution: Execution | undefined): boolean {
  return execution?.state === 'running' || execution?.state === 'paused';
}
