/**
 * Whether a Run fits on a node, and what it is given there: cores, memory, CPUs, a NUMA node, GPUs. The one `fits()`
 * that the scheduler and the API's binding transaction share, and the sums of what is taken. Pure. Never decides which
 * of several nodes to take, and never talks to the API.
 */
export * from './charges.ts';
export * from './fits.ts';
export * from './need.ts';
export { type NodeShape, numaOfGpu, shapeOf } from './node-shape.ts';
export { outlook } from './outlook.ts';
export * from './refusal.ts';
export * from './taints.ts';
export type { Change } from './why/change.ts';
export type { Holder } from './why/holders.ts';
export * from './why/why.ts';
