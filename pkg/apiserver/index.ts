/**
 * The API: decides who may write what, what an object becomes by a write, and who owns its fields; serves it over
 * HTTP and in the host's own process. Never starts, stops or places anything: it records what others want and report.
 */
export * from './auth/authenticate.ts';
export * from './auth/key-file.ts';
export * from './auth/tokens.ts';
export type { EnvironmentPlaces } from './http/environments/environment-routes.ts';
export type { WorkingContainers } from './http/environments/exec-routes.ts';
export type { UploadStore } from './http/environments/upload-routes.ts';
export * from './http/listen.ts';
export type { HttpServerOptions } from './http/route-context.ts';
export { createHttpServer, useCertificate } from './http/server.ts';
export * from './leases.ts';
export * from './local-client.ts';
export type { ServiceMetrics } from './metrics.ts';
export type { ApiServiceOptions } from './options.ts';
export * from './service.ts';
export type { StateSpace } from './vitals.ts';
