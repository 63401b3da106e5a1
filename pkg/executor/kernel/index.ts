/**
 * What the kernel of this machine says of programs, for the executors: reads control groups, what runs in them, what that
 * may have and what it uses; it signals and halts them, and moves their threads to other CPUs. Decides nothing about what they should have.
 */
export { Affinity } from './affinity.ts';
export { childrenOf } from './children.ts';
export { gpusOf } from './environ.ts';
export { readKernelFile } from './files.ts';
export {
  type GroupFolder,
  type GroupFolders,
  groupCpuSeconds,
  groupMemoryPeak,
  groupOomKills,
  groupUsage,
} from './group-usage.ts';
export { groupsOf, groupTree, type Membership, pidsBelow, pidsIn } from './groups.ts';
export { haltBySignals, isHaltedBySignals, resumeBySignals, untilHalted } from './halt.ts';
export { readObserved } from './observed.ts';
export {
  isAlive,
  parseStat,
  sessionMembers,
  sessionUsage,
  signalAll,
  someoneHasArgument,
} from './proc-table.ts';
