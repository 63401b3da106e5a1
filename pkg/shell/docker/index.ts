/**
 * Programs in containers of a Docker Engine, by its exec. Decides how one is begun, which shell an image has, and how
 * a program whose client has gone is ended; never in which container.
 */
export { type DockerShellOptions, type DockerShells, dockerShells } from './docker-shells.ts';
