/** Who owns which field of an object, and what server-side apply makes of it. Pure; knows no kind, no store and no clock. */
export * from './deep-equal.ts';
export * from './ownership.ts';
