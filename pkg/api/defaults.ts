import { type ApiObject, findResource } from './objects.ts';
import type { Runtime, Task, TaskSpec } from './types.gen.ts';

export const defaultNamespace = 'default';

/** From the host's configuration (`defaults`). */
export interface ClusterDefaults {
  /** Of a Task without image and runtime. */
  runtime: Runtime;
  /** Name of an Environment, of a Task without environment, image and runtime. */
  environment?: string;
  privileged: boolean;
  /** As in `Task.spec.mounts`; of a Task in docker that has none of its own. */
  mounts: readonly string[];
}

/**
 * A Task that names mounts gets exactly those: lists have one owner in server-side apply, so a list that were part
 * the user's and part ours would change at the next apply of the same manifest. What is false or empty is written
 * too, so that a later change of the configuration never changes a Task that exists.
 */
function defaultTaskSpec(spec: TaskSpec, defaults: ClusterDefaults): TaskSpec {
  const bare = spec.runtime === undefined && spec.image === undefined && spec.environment === undefined;
  const environment = bare ? defaults.environment : spec.environment;
  const hasImage = spec.image !== undefined || environment !== undefined;
  const runtime = spec.runtime ?? (hasImage ? 'docker' : defaults.runtime);
  const docker =
    runtime === 'docker' ? { privileged: defaults.privileged, mounts: [...defaults.mounts] } : {};
  return {
    ...docker,
    suspend: false,
    stopped: false,
    ...spec,
    ...(environment === undefined ? {} : { environment }),
    runtime,
    resources: isMapOrAbsent(spec.resources) ? { cores: 1, ...spec.resources } : spec.resources,
  };
}

function isMapOrAbsent(value: unknown): boolean {
  return value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value));
}

/**
 * The object with its defaults; never changes its argument. Doing it again changes nothing, whatever the defaults
 * are by then. Leaves alone what is not of the right type: validation comes after it.
 */
export function defaultObject<T extends ApiObject>(object: T, defaults: ClusterDefaults): T {
  const resource = findResource(object.kind);
  const metadata =
    resource?.namespaced && !object.metadata.namespace
      ? { ...object.metadata, namespace: defaultNamespace }
      : object.metadata;
  if (object.kind !== 'Task' || typeof object.spec !== 'object' || object.spec === null)
    return { ...object, metadata };
  return { ...object, metadata, spec: defaultTaskSpec(object.spec as Task['spec'], defaults) };
}
