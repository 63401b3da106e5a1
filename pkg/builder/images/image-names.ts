import type Docker from 'dockerode';
import { unless } from '../../engine/index.ts';
import { imageTag, shortDigest } from '../../environment/index.ts';
import type { KeptState } from '../types.ts';
import { nameImage } from './engine.ts';

/**
 * Whose an image is. Hosts of several clusters may use one engine, and none takes away what another has made or still
 * needs there: beside the name that people and nodes know, a state has a mark of each cluster whose it is. It is a
 * name too, as an Environment without steps is somebody else's image, on which no label can be put.
 */
export interface StateMark {
  cluster: string;
  name: string;
  short: string;
}

export function markTag(cluster: string, name: string, digest: string): string {
  return `river-cluster/${cluster}/${name}:${shortDigest(digest)}`;
}

export function readMark(tag: string): StateMark | undefined {
  const [, cluster, name, short] = /^river-cluster\/([^/]+)\/(.+):([0-9a-f]{12})$/.exec(tag) ?? [];
  return cluster && name && short ? { cluster, name, short } : undefined;
}

export function readStateTag(tag: string): { name: string; short: string } | undefined {
  const [, name, short] = /^river\/(.+):([0-9a-f]{12})$/.exec(tag) ?? [];
  return name && short ? { name, short } : undefined;
}

/** The mark first: what has a name and no mark would be nobody's. */
export async function nameState(
  engine: Docker,
  cluster: string,
  id: string,
  { name, digest }: KeptState,
): Promise<void> {
  await nameImage(engine, id, markTag(cluster, name, digest));
  await nameImage(engine, id, imageTag(name, digest));
}

/** Of what has another name by now. */
export async function unnameState(
  engine: Docker,
  cluster: string,
  { name, digest }: KeptState,
): Promise<void> {
  for (const tag of [imageTag(name, digest), markTag(cluster, name, digest)])
    await engine.getImage(tag).remove({ noprune: true });
}

const unmarkedBase = (id: string) => `river-base:${shortDigest(id)}`;

/** Of what was loaded or imported to build on: by it that can be taken away again. */
export interface BaseName {
  tag: string;
  /** Undefined: named by a River that did not say whose it is. */
  cluster?: string;
}

export function readBaseName(tag: string): BaseName | undefined {
  const [found, cluster] = /^river-base:[0-9a-f]{12}(?:-(.+))?$/.exec(tag) ?? [];
  return found === undefined ? undefined : { tag, ...(cluster ? { cluster } : {}) };
}

/** Also one that has a name of another cluster: so it stays until both let go of it. */
export async function nameBase(engine: Docker, cluster: string, id: string): Promise<void> {
  await nameImage(engine, id, `${unmarkedBase(id)}-${cluster}`);
  await unless([404], engine.getImage(unmarkedBase(id)).remove({ noprune: true }));
}
