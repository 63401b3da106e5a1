/**
 * The one typed way to the API: the interfaces, the client over HTTP, and the kubeconfig file that says where the
 * host is. Decides nothing; never retries a write by itself and never caches.
 */
export * from './environments.ts';
export * from './heartbeats.ts';
export { fetchAuthority } from './http/authority.ts';
export * from './http/client.ts';
export { serverAddress } from './http/server-address.ts';
export * from './joining.ts';
export * from './kubeconfig/file.ts';
export * from './types.ts';
