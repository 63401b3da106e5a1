/**
 * What a machine is and what fits on it: the pure `fits()` that the scheduler and the API's binding transaction
 * share, the sums of what is charged, and readers for the facts of the machine that a runner is on. Never decides
 * which of several nodes to take, and never talks to the API.
 */
export * from './command-runner.ts';
export * from './cpu-list.ts';
export * from './cpus.ts';
export * from './file-reader.ts';
export * from './machine.ts';
export * from './steady-bytes.ts';
export * from './topology.ts';
export * from './usage.ts';
