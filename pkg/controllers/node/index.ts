/**
 * Notices that a node is not heard of any more: its condition Ready becomes Unknown, and the Runs that are alive
 * there become Lost. Stops the Runs of a node that is drained, and lets those of a fenced one fail. Never says that a node
 * is Ready, and that a Run has ended only where a person has declared its machine dead: else both are for its runner,
 * which may be at work behind a cut network.
 */
export * from './node-controller.ts';
