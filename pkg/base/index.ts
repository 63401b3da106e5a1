/**
 * The ground that everything stands on: time, randomness, logging, coded errors, back-off. Decides nothing
 * about kinds, nodes or runs, and imports no other package.
 */
export * from './backoff.ts';
export * from './clock.ts';
export * from './disk.ts';
export * from './errors.ts';
export * from './lazy.ts';
export * from './level-logger.ts';
export * from './logger.ts';
export * from './rng.ts';
export * from './secret-file.ts';
