/**
 * For everything that talks to a Docker Engine: its client, its refusals as coded errors, its events, the room on its disk, and two
 * streams that it sends as one. Decides nothing.
 */
export * from './demultiplex.ts';
export * from './errors.ts';
export * from './event-stream.ts';
export * from './hangs.ts';
export * from './open.ts';
export * from './room.ts';
