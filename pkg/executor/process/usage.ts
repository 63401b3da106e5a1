import { type LiveUsage, usageOf } from '../index.ts';
import { groupUsage, sessionUsage } from '../kernel/index.ts';
import type { Records } from '../records/index.ts';
import { type CgroupKind, usageFolders } from './cgroup.ts';

/** From the control groups; without any, the sums of its processes, which are all looked at once. */
export async function liveUsage(
  kind: CgroupKind,
  records: Records,
  runUids: readonly string[],
): Promise<Map<string, LiveUsage>> {
  if (kind.version !== 0)
    return usageOf(runUids, (runUid) => {
      const folders = usageFolders(kind, runUid);
      return folders && groupUsage(folders);
    });
  const leaders = new Map<string, number>();
  for (const runUid of runUids) {
    const claim = records.claim(runUid);
    if (claim && !claim.empty) leaders.set(runUid, claim.pid);
  }
  const bySession = await sessionUsage([...leaders.values()]);
  return usageOf(runUids, (runUid) => bySession.get(leaders.get(runUid) ?? 0));
}
