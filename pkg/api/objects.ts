import type { Environment, Event, Node, ObjectMeta, Run, Task, Usage } from './types.gen.ts';

export const apiGroup = 'river.dev';
export const apiVersion = 'river.dev/v1';

export interface Kinds {
  Task: Task;
  Run: Run;
  Node: Node;
  Environment: Environment;
  Event: Event;
  Usage: Usage;
}

export type Kind = keyof Kinds;
export type ObjectOf<K extends Kind> = Kinds[K];

/** Any object, when its kind does not matter. Objects that come from a store, a cache or a watch are shared: never change them in place. */
export interface ApiObject {
  apiVersion: string;
  kind: string;
  metadata: ObjectMeta;
  spec?: unknown;
  status?: unknown;
}

/** How a kind is addressed: `/apis/river.dev/v1/[namespaces/NS/]PLURAL/NAME`. */
export interface Resource {
  kind: Kind;
  plural: string;
  singular: string;
  shortNames: readonly string[];
  namespaced: boolean;
  /** Whether people may create and change it with apply, create, replace and patch. */
  userWritable: boolean;
  /** Whether writes to the object leave status alone, and the other way round. */
  hasStatus: boolean;
}

export const resources: Readonly<Record<Kind, Resource>> = {
  Task: {
    kind: 'Task',
    plural: 'tasks',
    singular: 'task',
    shortNames: [],
    namespaced: true,
    userWritable: true,
    hasStatus: true,
  },
  Run: {
    kind: 'Run',
    plural: 'runs',
    singular: 'run',
    shortNames: [],
    namespaced: true,
    userWritable: false,
    hasStatus: true,
  },
  Node: {
    kind: 'Node',
    plural: 'nodes',
    singular: 'node',
    shortNames: ['no'],
    namespaced: false,
    userWritable: true,
    hasStatus: true,
  },
  Environment: {
    kind: 'Environment',
    plural: 'environments',
    singular: 'environment',
    shortNames: ['env', 'envs'],
    namespaced: false,
    userWritable: true,
    hasStatus: true,
  },
  Event: {
    kind: 'Event',
    plural: 'events',
    singular: 'event',
    shortNames: ['ev'],
    namespaced: true,
    userWritable: false,
    hasStatus: false,
  },
  Usage: {
    kind: 'Usage',
    plural: 'usages',
    singular: 'usage',
    shortNames: [],
    namespaced: true,
    userWritable: false,
    hasStatus: false,
  },
};

/** By kind, plural, singular or short name, in any case; undefined when there is none. */
export function findResource(word: string): Resource | undefined {
  const wanted = word.toLowerCase();
  return Object.values(resources).find(
    (resource) =>
      resource.plural === wanted || resource.singular === wanted || resource.shortNames.includes(wanted),
  );
}

/** `namespace/name`, or `name` for cluster kinds: the key of queues and caches. */
export function objectKey(metadata: ObjectMeta): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : `${metadata.name}`;
}

export const labels = {
  /** Name of the Task that a Run belongs to. */
  task: 'river.dev/task',
  /** On containers and processes: uid of the cluster that made them. */
  cluster: 'river.dev/cluster',
  /** On containers and processes: uid of the Run. */
  runUid: 'river.dev/run-uid',
  run: 'river.dev/run',
  namespace: 'river.dev/namespace',
} as const;

export const finalizers = {
  /** On Runs: the node has to confirm that nothing is left behind. Taken off by the reaper. */
  teardown: 'river.dev/teardown',
  /** On Tasks: its Runs have to go first. Taken off by the task controller. */
  runs: 'river.dev/runs',
  /** On Environments: nothing may need it, and its images and tarballs go first. Taken off by the environment controller. */
  environment: 'river.dev/environment',
} as const;

/** Who asks. Decides what may be read and written (authorization) and which rows of the Run table apply. */
export type Identity =
  | { role: 'admin'; name: string }
  /** A runner: sees its own Node and the Runs bound to it. */
  | { role: 'node'; name: string }
  | { role: 'controller'; name: 'task' | 'node' | 'reaper' | 'scheduler' | 'environment' };
