/** Desired and reported state, durable and watchable. Knows kinds only by name. */
export * from './types.ts';
