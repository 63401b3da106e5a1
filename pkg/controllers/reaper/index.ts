/**
 * Removes what is over: Runs whose time after their end is up, Runs without an owner, Events of the hour before,
 * entries of the usage ledger that are too old, and the finalizer of Runs of which nothing is left on their node. Never stops anything that runs, and never
 * removes a Run before its end is recorded in its Task.
 */
export * from './event-reaper.ts';
export * from './run-reaper.ts';
export * from './usage-reaper.ts';
