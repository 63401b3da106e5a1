import type Docker from 'dockerode';
import { formatBytes } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { engineStatus } from '../../engine/index.ts';
import { imageTag } from '../../environment/index.ts';
import { nameState } from '../images/image-names.ts';
import { labels } from '../images/labels.ts';
import { publish } from '../tarballs/publish.ts';
import type { TarballPlace } from '../tarballs/tarballs.ts';
import { committedLabels, containerName } from './identity.ts';
import type { CommitRequest, CommitResult } from './types.ts';

/**
 * The image is found again by the id of the request, and the tarball is renamed into place when it is whole: whoever is
 * killed in between goes on where it was.
 */
export async function commitContainer(
  engine: Docker,
  place: TarballPlace,
  request: CommitRequest,
): Promise<CommitResult> {
  const { name, id, by, message, spec, parentDigest, builtAt, signal, onProgress } = request;
  onProgress('commit');
  const committed = committedLabels(place.cluster, id);
  const imageId =
    (await committedBefore(engine, committed)) ?? (await imageOf(engine, name, committed, request));
  signal.throwIfAborted();
  const inspected = await tagged(engine, place.cluster, name, imageId);
  const whole = formatBytes(inspected.Size);
  const { digest, tarball } = await publish(engine, place, {
    ...{ name, imageId, spec, builtAt, parentDigest, signal },
    commit: { by, ...(message === undefined ? {} : { message }) },
    imageSize: inspected.Size,
    onBytes: (bytes) => onProgress(`commit: ${formatBytes(bytes)} of ${whole}`),
  });
  return { digest, image: imageTag(name, digest), tarball };
}

async function tagged(
  engine: Docker,
  cluster: string,
  name: string,
  imageId: string,
): Promise<Docker.ImageInspectInfo> {
  try {
    await nameState(engine, cluster, imageId, { name, digest: imageId });
    return await engine.getImage(imageId).inspect();
  } catch (error) {
    if (engineStatus(error) !== 404) throw error;
    throw new RiverError(
      'ServiceUnavailable',
      `the image ${imageId} is gone from the engine; it is committed again`,
    );
  }
}

async function committedBefore(
  engine: Docker,
  committed: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const filters = { label: [`${labels.step}=${committed[labels.step]}`] };
  return (await engine.listImages({ filters }))[0]?.Id;
}

/**
 * The container pauses for so long. Its command is ours: that of its image is put in its place, and what the image has of
 * environment variables, user and working directory the engine takes over by itself.
 */
export async function imageOf(
  engine: Docker,
  name: string,
  ownLabels: Readonly<Record<string, string>>,
  { by = '', message = '' }: { by?: string; message?: string } = {},
): Promise<string> {
  const container = engine.getContainer(containerName(name));
  const { Image } = await container.inspect();
  const config = (await engine.getImage(Image).inspect()).Config;
  const answer = (await container.commit({
    _query: { container: container.id, author: by, comment: message },
    _body: { Entrypoint: config?.Entrypoint ?? [], Cmd: config?.Cmd ?? [], Labels: ownLabels },
  })) as { Id: string };
  return answer.Id;
}
