/**
 * Converges one machine toward what the host has bound to it, and reports what is true there. Decides when to
 * prepare, start, stop and remove, in `next-steps.ts` and nowhere else. Never decides where something runs, never
 * restarts a Run, never believes its own memory about what the machine did, and never takes the host's silence for
 * an order.
 */
export { RunnerCounters } from './counters.ts';
export {
  EnvironmentDirectory,
  type EnvironmentParts,
  type EnvironmentSource,
  HostFiles,
  SharedDirectory,
} from './environments/index.ts';
export { type ClusterMark, type Intent, Intents, openIntents, type StopReason } from './intents.ts';
export { Runner } from './runner.ts';
export type {
  FolderOperations,
  MachineFacts,
  MachineReader,
  MachineUsage,
  RunnerParts,
  RunnerSettings,
  VolumeParts,
  VolumeSpace,
} from './seams.ts';
