/**
 * Programs with a terminal or with pipes in a container, over one WebSocket in the protocol of kubectl exec
 * (v5.channel.k8s.io): its frames, the end of the server, the end of the client. Decides nothing about who may do so
 * and in which container, and knows no engine: a `ShellProcess` is what it connects.
 */
export * from './client.ts';
export { frameLimit, protocol } from './frames.ts';
export { serveShell } from './server.ts';
export * from './types.ts';
