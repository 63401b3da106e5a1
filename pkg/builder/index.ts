/**
 * Builds Environments on an engine of the host and publishes them as tarballs, and keeps their working containers there.
 * Decides how a step becomes a layer, when a layer of before is as good, and how a container becomes an image; never
 * whether something is built, made or removed, and which digest is in use.
 *
 * Rooms: `images` (what is on the engine: what to build on, whose each image is, what goes), `steps` (a step as a layer),
 * `tarballs` (images as files, and whose), `working-container`.
 */
export { type DockerBuilderOptions, dockerBuilder } from './docker-builder.ts';
export * from './types.ts';
export { isClean, noChanges } from './working-container/changes.ts';
export { type DockerContainersOptions, dockerContainers } from './working-container/docker-containers.ts';
export { containerName } from './working-container/identity.ts';
export { workingContainers } from './working-container/lookup.ts';
export * from './working-container/types.ts';
