/**
 * What the kinds are: types, validation, defaults, the Run table, quantities, selectors. Pure; touches neither
 * disk nor network.
 */
export * from './objects.ts';
export type * from './types.gen.ts';
