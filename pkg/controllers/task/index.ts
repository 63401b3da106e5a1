/**
 * Makes the Runs of Tasks, stops those that are not wanted any more, and folds what became of them into
 * `Task.status`. Never decides where a Run goes, never moves one that is on a node, and never makes one twice:
 * names are deterministic, and the revision that they are made of is stored before the first of them exists.
 */
export * from './attempts.ts';
export * from './fold.ts';
export * from './plan.ts';
export * from './revision.ts';
export * from './slim.ts';
export * from './task-controller.ts';
