export * from './product.ts';
export * from './task-sweep.ts';
