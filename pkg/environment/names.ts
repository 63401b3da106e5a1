import { join } from 'node:path';

/** The twelve digits by which a digest is told apart in names of images and files. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}

/** Of its uid, short enough to stand in a name beside the longest name of an Environment. */
export function shortCluster(uid: string): string {
  return uid.replaceAll('-', '').slice(0, 12);
}

/** Tag of the image, on the host and on every node. */
export function imageTag(name: string, digest: string): string {
  return `river/${name}:${shortDigest(digest)}`;
}

/** Where tarballs are: in the shared directory, or the host's own state directory when none is shared. */
export function environmentDirectory(directories: { sharedDir?: string; stateDir: string }): string {
  return join(directories.sharedDir ?? directories.stateDir, 'environments');
}

export function tarballFile(directory: string, name: string, digest: string): string {
  return join(directory, `${name}-${shortDigest(digest)}.tar`);
}

/** Of the index beside the tarball: it appears after the tarball, so that who sees it finds both. */
export function indexFile(directory: string, name: string, digest: string): string {
  return join(directory, `${name}-${shortDigest(digest)}.json`);
}

/** Holds the uid of the cluster: tells a node that it sees the directory that the host has. */
export function sharedMarkerFile(sharedDir: string): string {
  return join(sharedDir, '.river-cluster');
}
