/** The one typed way to the API. Decides nothing. */
export * from './types.ts';
