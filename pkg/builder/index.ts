/**
 * Builds Environments on an engine of the host and publishes them as tarballs. Decides how a step becomes a layer and
 * when a layer of before is as good; never whether something is built, and which digest is in use.
 */
export { type DockerBuilderOptions, dockerBuilder } from './docker-builder.ts';
export * from './types.ts';
export * from './working-container/types.ts';
