/**
 * What the kernel of this machine lets programs have, for the executors: reads CPUs, memory nodes and limits of what
 * runs, and moves its threads to other CPUs. Decides nothing about what they should have.
 */
export { Affinity } from './affinity.ts';
export { childrenOf } from './children.ts';
export { gpusOf } from './environ.ts';
export { readObserved } from './observed.ts';
