/** `span:{1..3}` and `span:[a,b]` in texts, and what they multiply to: for Tasks on the host, and for command lines. */
export * from './product.ts';
export * from './task-sweep.ts';
