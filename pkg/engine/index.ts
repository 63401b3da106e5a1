/**
 * What a Docker Engine says, for everything that talks to one: its refusals as coded errors, and two streams that it
 * sends as one. Decides nothing, and opens no connection.
 */
export * from './demultiplex.ts';
export * from './errors.ts';
