/**
 * The machinery of level-triggered loops: a queue of keys, caches that follow the API, a manager that starts
 * both in the right order, and a recorder of Events. Knows no kind: what a key means and what is to be done about
 * it is for `pkg/controllers/*` and `pkg/scheduler`. Never acts before the caches are complete.
 */
export * from './controller.ts';
export * from './event-recorder.ts';
export * from './informer.ts';
export * from './informer-set.ts';
export * from './manager.ts';
export * from './settle.ts';
export * from './work-queue.ts';
