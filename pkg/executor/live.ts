import type { Execution, LiveUsage } from './types.ts';

/** It was started and has not ended: it runs or is paused. */
export function isLive(execution: Execution | undefined): boolean {
  return execution?.state === 'running' || execution?.state === 'paused';
}

/** By uid, without those of which nothing is known. */
export function usageOf(
  runUids: readonly string[],
  look: (runUid: string) => LiveUsage | undefined,
): Map<string, LiveUsage> {
  const found = new Map<string, LiveUsage>();
  for (const runUid of runUids) {
    const usage = look(runUid) ?? {};
    if (Object.keys(usage).length > 0) found.set(runUid, usage);
  }
  return found;
}
