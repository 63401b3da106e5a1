/**
 * What the kernel of this machine says of programs, for the executors: reads control groups, what runs in them, what that
 * may have and what it uses, and moves its threads to other CPUs. Decides nothing about what they should have.
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
export { readObserved } from './observed.ts';
