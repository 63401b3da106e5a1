/** Environments on this machine: where they are read, when they are loaded, and when they go. */
export {
  type EnvironmentFacts,
  type EnvironmentParts,
  type EnvironmentSettings,
  Environments,
} from './environments.ts';
export { HostFiles, type HostFilesParts } from './host-files.ts';
export { loadingReason, loadReport, throttled } from './load-report.ts';
export { EnvironmentDirectory, SharedDirectory, type SharedState } from './shared-directory.ts';
export type { EnvironmentReference, EnvironmentSource } from './source.ts';
