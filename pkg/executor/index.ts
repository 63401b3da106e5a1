/**
 * How a machine runs things: the interface that the runner drives, with one folder for each runtime. Decides
 * nothing about what should run.
 */
export * from './image-store.ts';
export * from './live.ts';
export * from './types.ts';
