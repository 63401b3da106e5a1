/**
 * Notices that a node is not heard of any more: its condition Ready becomes Unknown, and the Runs that are alive
 * there become Lost. Never says that a node is Ready, and never that a Run has ended: both are for its runner,
 * which may be at work behind a cut network.
 */
export * from './node-controller.ts';
