/**
 * The loop of Environments: decides when one is built, which digest is in use, and what may be deleted. How a build is
 * done is the builder's affair.
 */
export * from './environment-controller.ts';
