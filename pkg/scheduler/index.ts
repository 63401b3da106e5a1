/**
 * Chooses a node for every Run that waits, and says for every one that has to wait why each node will not do.
 * Decides purely, from a snapshot; the API re-checks each binding in its transaction. Never moves a Run that has
 * a node, never stops one, and knows nothing that is not in the store.
 */
export * from './decide.ts';
export * from './scheduler.ts';
