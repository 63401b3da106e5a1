/* Made from schemas/ by `npm run generate`. Do not edit. */

/**
 * Bytes. A bare number is bytes; k, M, G, T, P are 1000-based; Ki, Mi, Gi, Ti, Pi are 1024-based. Exact to the byte.
 */
export type Quantity = number | string;
/**
 * A time span: whole or decimal numbers with ms, s, m, h or d, biggest first, as in 90s, 10m, 1h30m, 7d.
 */
export type Duration = string;
/**
 * RFC 3339 in UTC with milliseconds.
 */
export type Time = string;
/**
 * Which of the nodes that it fits on. leastLoaded: the least full one. pack: the fullest. spread: the one with fewest runs. roundRobin: the next one by name.
 */
export type PlacementPolicy = 'leastLoaded' | 'pack' | 'spread' | 'roundRobin';
/**
 * How much is logged. Default info.
 */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';
/**
 * docker: a container. systemd: a transient service of the node; process: a plain process of it; both where its runner allows that.
 */
export type Runtime = 'docker' | 'systemd' | 'process';

export interface StringMap {
  [k: string]: string;
}
/**
 * The object that this one belongs to and is removed with.
 */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}
/**
 * Which manager owns which fields, as server-side apply keeps it.
 */
export interface ManagedFieldsEntry {
  manager: string;
  operation: 'Apply' | 'Update';
  apiVersion?: string;
  time?: Time;
  fieldsType?: 'FieldsV1';
  fieldsV1?: {};
  subresource?: string;
}
export interface ObjectMeta {
  /**
   * Unique in its kind and namespace: lower case letters, digits, - and . (RFC 1123).
   */
  name?: string;
  /**
   * Scope of the name; made on first use. Absent on cluster kinds.
   */
  namespace?: string;
  labels?: StringMap;
  annotations?: StringMap;
  /**
   * Set by the host; another object of the same name has another one.
   */
  uid?: string;
  /**
   * Set by the host at every change. Sent back, the write is refused when the object has changed since.
   */
  resourceVersion?: string;
  /**
   * Grows with every change of spec.
   */
  generation?: number;
  creationTimestamp?: Time;
  deletionTimestamp?: Time;
  deletionGracePeriodSeconds?: number;
  /**
   * What must be cleaned up before the object goes.
   */
  finalizers?: string[];
  ownerReferences?: OwnerReference[];
  managedFields?: ManagedFieldsEntry[];
}
/**
 * One aspect of the observed state.
 */
export interface Condition {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  /**
   * One word in CamelCase, for programs.
   */
  reason: string;
  /**
   * A sentence, for people.
   */
  message: string;
  lastTransitionTime: Time;
  observedGeneration?: number;
}
/**
 * What a run is given, and what is charged to its node while it is bound there.
 */
export interface Resources {
  /**
   * CPU cores, in steps of 0.001. 0 = no limit and nothing charged. Default 1.
   */
  cores?: number;
  memory?: Quantity;
  /**
   * GPUs: how many, or what they must be. Nobody else is given them, unless shared. Default 0.
   */
  gpus?: number | GpuRequest;
  /**
   * require: all cores, memory and GPUs are of one NUMA node. prefer: of as few as possible. Default none.
   */
  numa?: 'none' | 'prefer' | 'require';
  /**
   * true: the cores are whole CPUs that nobody else is on. Default false: a share of those that nobody has pinned.
   */
  pin?: boolean;
}
export interface GpuRequest {
  /**
   * Default 1.
   */
  count?: number;
  /**
   * Part of the name of the model, in any case, as in A100.
   */
  model?: string;
  memory?: Quantity;
  /**
   * true: other runs that share may be on the same GPU, as long as the memory that all have asked for is there. It is accounted for, not enforced. Needs memory. Default false.
   */
  shared?: boolean;
}
/**
 * A taint of nodes that does not keep this work away.
 */
export interface Toleration {
  /**
   * Left out, with operator Exists: every key.
   */
  key?: string;
  /**
   * Exists: whatever the value is. Default Equal.
   */
  operator?: 'Equal' | 'Exists';
  /**
   * Default empty.
   */
  value?: string;
  /**
   * Left out: both.
   */
  effect?: 'NoSchedule' | 'PreferNoSchedule';
}
export interface EnvironmentSpec {
  from: EnvironmentBase;
  /**
   * What is done to the base, in this order. Each is one layer, kept until something before it changes. Default none.
   *
   * @maxItems 100
   */
  steps?: EnvironmentStep[];
  /**
   * Of the build on the host, and of the working container.
   */
  limits?: {
    /**
     * CPU cores, in steps of 0.001. 0 = no limit. Default 0.
     */
    cores?: number;
    memory?: Quantity;
    timeout?: Duration;
  };
  /**
   * true: a working container of it is kept on the host, for river shell and river commit. Default false.
   */
  interactive?: boolean;
  /**
   * Only with interactive. true: the working container is stopped; what is in it stays. Default false.
   */
  suspend?: boolean;
  /**
   * Any new value builds all steps again, whatever is kept of them.
   */
  rebuild?: string;
  /**
   * true: nodes load it before anything needs it. Default false.
   */
  prefetch?: boolean;
  /**
   * So many digests keep their tarball, with the one in use. Default 2.
   */
  keep?: number;
}
/**
 * What it starts from: one of these.
 */
export interface EnvironmentBase {
  /**
   * Image that the engine of the host has or can pull, as in docker run.
   */
  image?: string;
  /**
   * Name of another Environment; built again when that has a new digest.
   */
  environment?: string;
  /**
   * Absolute path on the host of a file of docker save, or river env export, with one image.
   */
  tarball?: string;
  /**
   * sha256 of such a file, which river env import has sent to the host.
   */
  upload?: string;
  /**
   * Absolute path on the host of a tar of a whole root file system, as debootstrap and tar make it.
   */
  rootfs?: string;
}
/**
 * One of these.
 */
export interface EnvironmentStep {
  /**
   * A text: run by /bin/sh -c in the environment, as RUN in a Dockerfile. A list: program and arguments, no shell.
   */
  run?: string | string[];
  /**
   * A file or folder beside the manifest; river apply sends it to the host.
   */
  copy?: {
    /**
     * Path from the folder of the manifest, and within it.
     */
    from: string;
    /**
     * Absolute path in the environment. With / at the end: the folder into which it goes; the content of a folder goes into it either way.
     */
    to: string;
    /**
     * Of what is copied, as it was sent. Written by river apply.
     */
    sha256?: string;
  };
  env?: StringMap;
  /**
   * Absolute path: working directory of all later steps, also of an environment that is built on this one; made where it is missing. Tasks begin in their own workingDir, else in /shared where there is one.
   */
  workdir?: string;
}
export interface EnvironmentTarball {
  /**
   * Absolute, on the host.
   */
  path: string;
  /**
   * Bytes.
   */
  size: number;
  builtAt: Time;
}
/**
 * One state of the environment whose tarball is kept.
 */
export interface EnvironmentDigest {
  /**
   * sha256:… of the configuration of the image.
   */
  digest: string;
  /**
   * Bytes of the tarball.
   */
  size: number;
  builtAt: Time;
  /**
   * Of the Environment from which it was built.
   */
  generation?: number;
  /**
   * It was made by river commit from the working container.
   */
  commit?: {
    /**
     * Of the request.
     */
    id: string;
    /**
     * Who asked for it.
     */
    by: string;
    message?: string;
    /**
     * The digest that the working container was made from.
     */
    parentDigest: string;
  };
}
/**
 * What a person has asked for and is not done yet.
 */
export interface EnvironmentRequest {
  /**
   * commit: the state of the working container becomes the next digest. discard: it is thrown away.
   */
  action: 'commit' | 'discard';
  /**
   * Told to whoever asked.
   */
  id: string;
  /**
   * Who asked for it.
   */
  by: string;
  at: Time;
  /**
   * Of a commit.
   */
  message?: string;
  /**
   * Hash of the manifest at that time.
   */
  manifest: string;
}
export interface ContainerChanges {
  /**
   * Files and folders.
   */
  added: number;
  /**
   * Files, and folders in which something has changed.
   */
  changed: number;
  /**
   * Files and folders.
   */
  deleted: number;
  /**
   * The first of them, each with A, C or D before it.
   */
  paths: string[];
}
/**
 * The working container, on the host.
 */
export interface WorkingContainer {
  /**
   * In the Docker Engine of the host.
   */
  name: string;
  /**
   * In the Docker Engine of the host.
   */
  id?: string;
  /**
   * Creating: it is about to be made.
   */
  phase: 'Creating' | 'Running' | 'Stopped';
  since?: Time;
  /**
   * What it was made from or last committed as, sha256:….
   */
  digest?: string;
  changes?: ContainerChanges;
}
export interface EnvironmentStepStatus {
  /**
   * As in the manifest, shortened.
   */
  step: string;
  /**
   * Bytes of its layer.
   */
  size: number;
  /**
   * It was taken from an earlier build.
   */
  cached: boolean;
}
export interface EnvironmentStatus {
  /**
   * Failed: the last build; the digest that stands here stays in use.
   */
  phase?: 'Pending' | 'Building' | 'Publishing' | 'Ready' | 'Failed';
  /**
   * Tag of the image on the host and on nodes.
   */
  image?: string;
  /**
   * In use: sha256:… of the configuration of the image.
   */
  digest?: string;
  tarball?: EnvironmentTarball;
  /**
   * Digests whose tarballs are kept, the newest first.
   */
  history?: EnvironmentDigest[];
  /**
   * Of the last build that ended well.
   */
  steps?: EnvironmentStepStatus[];
  /**
   * Of a build that goes on, as in step 3/5.
   */
  progress?: string;
  /**
   * Hash of what was built last, well or not: the same is not built again.
   */
  wanted?: string;
  /**
   * Hash of the manifest when a person chose the digest, by river rollback or river commit: that stays until the manifest changes.
   */
  chosen?: string;
  container?: WorkingContainer;
  request?: EnvironmentRequest;
  /**
   * Which nodes have which digest of it.
   */
  nodes?: {
    name: string;
    digest: string;
  }[];
  observedGeneration?: number;
  /**
   * BaseReady, Built, Published, Ready; of interactive ones ContainerReady; after river commit Committed.
   */
  conditions?: Condition[];
}
/**
 * A container environment, built once on the host and the same on every node.
 */
export interface Environment {
  apiVersion: 'river.dev/v1';
  kind: 'Environment';
  metadata: ObjectMeta;
  spec: EnvironmentSpec;
  status?: EnvironmentStatus;
}
/**
 * Something that happened to an object, for describe. Kept for an hour.
 */
export interface Event {
  apiVersion: 'river.dev/v1';
  kind: 'Event';
  metadata: ObjectMeta;
  involvedObject: {
    apiVersion?: string;
    kind: string;
    namespace?: string;
    name: string;
    uid?: string;
  };
  reason: string;
  message: string;
  type: 'Normal' | 'Warning';
  count?: number;
  firstTimestamp?: Time;
  lastTimestamp?: Time;
  source?: {
    component?: string;
    host?: string;
  };
}
export interface ListenConfig {
  /**
   * 0.0.0.0: every address of the machine. Default 127.0.0.1: this machine only.
   */
  address?: string;
  /**
   * 0: any free one. Default 8000.
   */
  port?: number;
}
export interface GatewayConfig {
  /**
   * 0: any free one. Default 8002, or any free one when listen.port is 0. Runners learn it from the API.
   */
  port?: number;
}
export interface TlsConfig {
  /**
   * Names and addresses under which people and machines reach the host, besides its own host name, localhost and what it listens on. Default none.
   */
  names?: string[];
}
export interface DefaultsConfig {
  runtime?: Runtime;
  /**
   * Of a Task without environment, image and runtime. Made at the start of the host, or when this file changes, where there is none of this name; it is people's from then on. Default none.
   */
  environment?: {
    /**
     * Of the Environment.
     */
    name: string;
    spec: EnvironmentSpec;
  };
  /**
   * Of a Task in docker that does not say. Default false.
   */
  privileged?: boolean;
  /**
   * SOURCE:TARGET[:ro|rw], of a Task in docker that names no mounts. Default none.
   */
  mounts?: string[];
}
export interface HostDockerConfig {
  /**
   * Absolute path of its socket. Default /var/run/docker.sock.
   */
  socket?: string;
  cacheAge?: Duration;
  minFree?: Quantity;
}
export interface SchedulerConfig {
  policy?: PlacementPolicy;
}
export interface CompactionConfig {
  interval?: Duration;
  /**
   * So many of the newest versions always stay. Default 10000.
   */
  keep?: number;
}
/**
 * Configuration file of river-host.
 */
export interface HostConfig {
  listen?: ListenConfig;
  gateway?: GatewayConfig;
  tls?: TlsConfig;
  /**
   * Absolute path: the store, the host's keys and its lock. On a local disk, never on NFS. Default /var/lib/river/host.
   */
  stateDir?: string;
  /**
   * Absolute path of the directory that host and runners share, where there is one: output of runs is under its logs.
   */
  sharedDir?: string;
  docker?: HostDockerConfig;
  logLevel?: LogLevel;
  leaseDuration?: Duration;
  defaults?: DefaultsConfig;
  scheduler?: SchedulerConfig;
  compaction?: CompactionConfig;
}
export interface NodeSpec {
  /**
   * true: no new runs are bound to this node.
   */
  unschedulable?: boolean;
  /**
   * Keep away what does not tolerate them. What runs stays.
   *
   * @maxItems 100
   */
  taints?: Taint[];
  /**
   * true: what runs on this node is stopped and made again elsewhere, and nothing new is bound to it. Set by river drain.
   */
  drain?: boolean;
  fencedAt?: Time;
}
export interface Taint {
  /**
   * As the key of a label.
   */
  key: string;
  /**
   * As the value of a label. Default empty.
   */
  value?: string;
  /**
   * NoSchedule: nothing that does not tolerate it is bound here. PreferNoSchedule: only where nothing else fits.
   */
  effect: 'NoSchedule' | 'PreferNoSchedule';
}
export interface NodeResources {
  cores: number;
  /**
   * Bytes.
   */
  memory: number;
}
export interface NodeImage {
  /**
   * Of the environment.
   */
  name: string;
  /**
   * sha256:… of the configuration of the image.
   */
  digest: string;
}
export interface NodeStatus {
  /**
   * Ready; VersionSkew: True while host and runner are more than one minor version apart, and nothing new comes; TopologyReady (whether CPUs, NUMA nodes and GPUs could be read; the Node stays Ready without); DockerReady, SystemdReady and ProcessReady for the runtimes that its configuration allows; ImageStoreReady (how its engine takes environments); SharedDirReady (whether its sharedDir is the host's, and writable); DiskPressure and LogVolumePressure: True while a volume that the runner or its runs write to has no room, and nothing new comes; EngineVolumePressure: the same for the volume of the Docker Engine, and no containers come; ClockSkewed: its clock is more than 5 seconds from the host's; Quarantined: it has runs that the host, restored from a backup, does not know.
   */
  conditions?: Condition[];
  capacity?: NodeResources;
  allocatable?: NodeResources;
  cpus?: NodeCpus;
  /**
   * NUMA nodes, by id. A machine without NUMA has one.
   */
  numa?: NumaNode[];
  /**
   * What can be given out, by index: GPUs, and in place of one in MIG mode its instances.
   */
  gpus?: Gpu[];
  /**
   * Runtimes that work there now.
   */
  runtimes?: string[];
  versions?: StringMap;
  /**
   * Environments that are on the node, by name and digest.
   */
  images?: NodeImage[];
  addresses?: string[];
  bootId?: string;
  /**
   * Of the runner; a new one at each of its starts.
   */
  session?: string;
  cleanedUpFor?: Time;
  /**
   * Public key with which the runner opens its tunnel to the host. Written by the runner alone, at its start.
   */
  sshKey?: string;
  /**
   * Live values, filled in by the host from the last heartbeat; never stored.
   */
  usage?: {
    /**
     * Of all cores together, 0 to 100.
     */
    cpuPercent?: number;
    /**
     * CPU cores in use, by everything on the machine, on average since the heartbeat before.
     */
    cores?: number;
    /**
     * Bytes.
     */
    memoryUsed?: number;
    /**
     * Degrees Celsius, the hottest sensor.
     */
    cpuTemperature?: number;
    /**
     * One for each GPU that shows any.
     */
    gpus?: GpuUsage[];
    /**
     * What runs use now: only in heartbeats. The host shows it in each Run's status.usage.
     *
     * @maxItems 1000
     */
    runs?: RunSample[];
  };
  lastHeartbeat?: Time;
}
/**
 * CPUs of the machine; every list is in the kernel's form, as in 0-3,8.
 */
export interface NodeCpus {
  /**
   * CPUs that the kernel schedules on.
   */
  online: string;
  /**
   * CPUs that runs may be on: online ones that the runner's cpuset allows, less as many whole cores as are reserved, from the lowest on.
   */
  allocatable: string;
  /**
   * CPUs that the kernel keeps free of everything that does not name them (isolcpus).
   */
  isolated: string;
  /**
   * CPUs of each physical core: its SMT siblings, online ones only.
   */
  cores: string[];
}
/**
 * One NUMA node.
 */
export interface NumaNode {
  /**
   * As the kernel numbers it; numbers may be left out.
   */
  id: number;
  /**
   * Its online CPUs, as in 0-7; empty for a node that has only memory (CXL, HBM).
   */
  cpus: string;
  /**
   * Bytes; 0 for a node that has only CPUs.
   */
  memory: number;
  /**
   * To each NUMA node in the order of this list; 10 is to itself.
   */
  distances?: number[];
}
/**
 * A GPU, or an instance of one in MIG mode, that can be given to a run.
 */
export interface Gpu {
  /**
   * Consecutive over what can be given out; without MIG that of nvidia-smi.
   */
  index: number;
  /**
   * What it is bound by.
   */
  uuid: string;
  /**
   * As the driver names it, as in NVIDIA A100-SXM4-80GB.
   */
  model: string;
  /**
   * Bytes.
   */
  memory: number;
  /**
   * NUMA node it hangs on; absent where the machine does not say.
   */
  numa?: number;
  /**
   * As in 0000:3b:00.0.
   */
  pciAddress?: string;
  /**
   * Version of its driver.
   */
  driver?: string;
  /**
   * An Unhealthy one is not given out.
   */
  health: 'Healthy' | 'Unhealthy';
  /**
   * Why it is Unhealthy.
   */
  healthMessage?: string;
  /**
   * Of a MIG instance.
   */
  mig?: {
    /**
     * As in 1g.10gb.
     */
    profile: string;
    /**
     * Of its GPU, as nvidia-smi numbers it.
     */
    parentIndex: number;
    /**
     * Of its GPU.
     */
    parentUuid: string;
  };
}
/**
 * Live values of one GPU; what it does not show is absent.
 */
export interface GpuUsage {
  /**
   * Of the GPU.
   */
  uuid: string;
  /**
   * Percent of the time in which it computed.
   */
  utilization?: number;
  /**
   * Percent of the time in which its memory was read or written.
   */
  memoryUtilization?: number;
  /**
   * Bytes.
   */
  memoryTotal?: number;
  /**
   * Bytes.
   */
  memoryUsed?: number;
  /**
   * Bytes.
   */
  memoryFree?: number;
  /**
   * Degrees Celsius.
   */
  temperature?: number;
  /**
   * Percent of the highest.
   */
  fanSpeed?: number;
  /**
   * Watts.
   */
  powerDraw?: number;
  /**
   * Watts: what it is held to now.
   */
  powerLimit?: number;
  /**
   * Watts: what it was made for.
   */
  powerLimitDefault?: number;
  /**
   * Watts: the highest limit that can be set.
   */
  powerLimitMax?: number;
  /**
   * MHz.
   */
  clockGraphics?: number;
  /**
   * MHz.
   */
  clockSm?: number;
  /**
   * MHz.
   */
  clockMemory?: number;
  /**
   * MHz.
   */
  clockVideo?: number;
}
/**
 * What one run uses now.
 */
export interface RunSample {
  /**
   * Of the Run.
   */
  uid: string;
  /**
   * CPU cores, on average since the sample before.
   */
  cores?: number;
  /**
   * Bytes.
   */
  memoryUsed?: number;
}
/**
 * A machine with a runner. The runner makes it and writes its status; people write its labels.
 */
export interface Node {
  apiVersion: 'river.dev/v1';
  kind: 'Node';
  metadata: ObjectMeta;
  spec?: NodeSpec;
  status?: NodeStatus;
}
/**
 * Where the run is bound. Written by the binding subresource only.
 */
export interface Placement {
  node: string;
  /**
   * CPUs it is bound to, as in 0-3,8; only of a pinned run or one that is confined to NUMA nodes.
   */
  cpus?: string;
  /**
   * true: nobody else is on these cpus.
   */
  pinned?: boolean;
  /**
   * NUMA nodes its memory is taken from; absent: any.
   */
  numaNodes?: number[];
  /**
   * GPUs that it is given.
   */
  gpus?: PlacedGpu[];
  /**
   * What it runs in, for ever, whatever becomes of the Environment.
   */
  environment?: {
    /**
     * Of the Environment.
     */
    name: string;
    /**
     * sha256:… of the configuration of the image.
     */
    digest: string;
  };
}
/**
 * A GPU of the node, or a share of one.
 */
export interface PlacedGpu {
  /**
   * As in the Node's status.gpus.
   */
  index: number;
  /**
   * What it is bound by.
   */
  uuid: string;
  /**
   * The share of its memory that is charged; absent: all of it, for this run alone.
   */
  memoryBytes?: number;
}
/**
 * The fields of the Task, resolved for one ordinal, with every default filled in.
 */
export interface RunSpec {
  /**
   * Name of the owner, in the same namespace.
   */
  task: string;
  revision: number;
  /**
   * Position among the runs of the Task, from 0.
   */
  ordinal: number;
  /**
   * From 0.
   */
  attempt: number;
  /**
   * How many attempts before this one count for the limit of retry; absent: none.
   */
  retries?: number;
  /**
   * Written by the task controller; the node controller sets Stopped where a node is drained.
   */
  desired: 'Running' | 'Paused' | 'Stopped';
  /**
   * true: it is stopped because its node is drained; another run takes its place and does not count for the limit of retry. Written by the node controller.
   */
  evicted?: boolean;
  /**
   * Where it must run, as in the Task: node, node:NUMA, node::GPU,GPU or node:NUMA:GPU,GPU; absent: anywhere.
   */
  target?: string;
  point?: StringMap;
  nodeSelector?: StringMap;
  /**
   * Taints of nodes that do not keep it away.
   */
  tolerations?: Toleration[];
  runtime: Runtime;
  command?: string[];
  args?: string[];
  script?: string;
  /**
   * Name of the Environment; which digest stands in placement.
   */
  environment?: string;
  image?: string;
  resources?: Resources;
  env?: StringMap;
  mounts?: string[];
  workingDir?: string;
  privileged?: boolean;
  timeout?: Duration;
  ttlAfterFinished?: Duration;
  placement?: Placement;
}
/**
 * What the kernel and the engine really gave it.
 */
export interface Observed {
  /**
   * CPUs that its program may be on, as in 0-3 (Cpus_allowed_list).
   */
  cpus?: string;
  /**
   * NUMA nodes that its memory may be on, as in 0 (Mems_allowed_list, within the memory policy of its program).
   */
  memoryNodes?: string;
  /**
   * CPU time a second that its control group allows, as in 1.5; absent: no limit.
   */
  cores?: number;
  /**
   * Bytes that its control group allows, in whole pages; absent: no limit.
   */
  memory?: number;
  /**
   * UUIDs of the GPUs that its container was made with, or device paths; of programs without a container: UUIDs in CUDA_VISIBLE_DEVICES.
   */
  gpus?: string[];
}
/**
 * While its environment is loaded: how much of what the node lacked is there.
 */
export interface LoadProgress {
  bytes: number;
  totalBytes: number;
  layers: number;
  totalLayers: number;
}
export interface RunStatus {
  phase:
    | 'Pending'
    | 'Scheduled'
    | 'Preparing'
    | 'Starting'
    | 'Running'
    | 'Paused'
    | 'Succeeded'
    | 'Failed'
    | 'Stopped'
    | 'Lost';
  /**
   * Session of the runner that reported last.
   */
  session?: string;
  /**
   * Scheduled (why not), ResourcesBound (False: the kernel does not hold it to what it was given; absent: nothing to say), TornDown (nothing of it is left on its node).
   */
  conditions?: Condition[];
  /**
   * Nodes whose runner refused it.
   */
  avoid?: string[];
  startedAt?: Time;
  finishedAt?: Time;
  endedAt?: Time;
  pausedAt?: Time;
  /**
   * Milliseconds that its pauses lasted, without one that lasts on; they do not count for timeout.
   */
  pausedMs?: number;
  /**
   * Of the program; absent when a signal ended it.
   */
  exitCode?: number;
  /**
   * Name of the signal that ended the program, as in SIGKILL.
   */
  signal?: string;
  oomKilled?: boolean;
  /**
   * Why the phase is what it is, one word: Completed, NonZeroExit, Signalled, OOMKilled, DeadlineExceeded, StartFailed, ImageNotFound, …
   */
  reason?: string;
  message?: string;
  usage?: {
    cpuSeconds?: number;
    /**
     * Bytes.
     */
    memoryPeak?: number;
    /**
     * CPU cores in use now. Live, filled in by the host from the last heartbeat; never stored.
     */
    cores?: number;
    /**
     * Bytes in use now. Live, as cores.
     */
    memoryUsed?: number;
  };
  /**
   * sha256:… of the environment that it ran in.
   */
  environmentDigest?: string;
  progress?: LoadProgress;
  observed?: Observed;
  /**
   * Files of the run's output on its node.
   */
  log?: {
    out?: string;
    err?: string;
  };
}
/**
 * One execution of a Task on one node. Made by the task controller, never by people; never restarted in place.
 */
export interface Run {
  apiVersion: 'river.dev/v1';
  kind: 'Run';
  metadata: ObjectMeta;
  spec: RunSpec;
  status?: RunStatus;
}
export interface EnvironmentsConfig {
  keepUnused?: Duration;
  minFree?: Quantity;
  bandwidth?: Quantity;
}
export interface RuntimesConfig {
  docker?: DockerConfig;
  systemd?: SystemdConfig;
  process?: ProcessConfig;
}
export interface DockerConfig {
  /**
   * Default true.
   */
  enabled?: boolean;
  /**
   * Absolute path of the engine's socket. Default /var/run/docker.sock.
   */
  socket?: string;
}
export interface SystemdConfig {
  /**
   * true: Tasks run as services of the machine's systemd, as root, which the runner has to be. Default false.
   */
  enabled?: boolean;
}
export interface ProcessConfig {
  /**
   * true: Tasks run as plain processes with the rights of the runner. Default false.
   */
  enabled?: boolean;
}
export interface TopologyConfig {
  /**
   * All NUMA nodes. Default: read from the machine.
   *
   * @minItems 1
   */
  numa?: StaticNumaNode[];
  /**
   * All GPUs, in the order of their indexes; an empty list: none are given out. Default: read with nvidia-smi.
   */
  gpus?: StaticGpu[];
}
export interface StaticNumaNode {
  /**
   * As the kernel numbers it: memory is bound to this number.
   */
  id: number;
  /**
   * As in 0-7,16-23.
   */
  cpus: string;
  memory: Quantity;
  /**
   * To each NUMA node in the order of this list. Default: not known.
   */
  distances?: number[];
}
export interface StaticGpu {
  /**
   * A name that no other GPU has; without devices the engine is asked for it by this, and CUDA_VISIBLE_DEVICES holds it.
   */
  uuid: string;
  /**
   * For people, and for gpus.model of Tasks.
   */
  model: string;
  memory: Quantity;
  /**
   * NUMA node it hangs on. Default: not known.
   */
  numa?: number;
  /**
   * As in 0000:3b:00.0. For people.
   */
  pciAddress?: string;
  /**
   * Absolute paths of device nodes: a container gets these in place of a request to the engine by UUID.
   *
   * @minItems 1
   */
  devices?: string[];
}
/**
 * Configuration file of river-runner.
 */
export interface RunnerConfig {
  /**
   * Address of the host's API, as in https://lab.example:8000. river-runner join writes it.
   */
  host: string;
  /**
   * Name of the Node. The one that the machine has joined under. Default: its host name.
   */
  name?: string;
  /**
   * Absolute path: the machine's key and certificate, intents, records of processes, and output where no directory is shared. On a local disk. Default /var/lib/river/runner.
   */
  stateDir?: string;
  /**
   * Absolute path of the directory that host and runners share, where there is one: output of runs is under its logs, its shared_data is /shared in containers.
   */
  sharedDir?: string;
  /**
   * Absolute path for temporary files of runs: /local_temp in containers. Default: temp under stateDir.
   */
  localTempDir?: string;
  logLevel?: LogLevel;
  labels?: StringMap;
  runtimes?: RuntimesConfig;
  reserved?: Resources;
  environments?: EnvironmentsConfig;
  minFree?: Quantity;
  stopGrace?: Duration;
  topology?: TopologyConfig;
}
export interface TaskSpec {
  /**
   * Program and arguments; never a shell string. In docker it replaces the entrypoint of the image.
   *
   * @minItems 1
   */
  command?: string[];
  /**
   * Arguments after command or script; alone, in docker, it replaces the image's CMD. Spans in them, in the arguments of command and in the values of env multiply: span:{1..3} and span:[a,b] make 6 runs for each target, at most 10,000 in all.
   */
  args?: string[];
  /**
   * In place of command: the text of a file that is run by its #! line.
   */
  script?: string;
  /**
   * Name of the Environment in which it runs, in docker. A run starts on the newest digest, and keeps that.
   */
  environment?: string;
  /**
   * In place of environment: an image that the node has or can pull, as in docker run.
   */
  image?: string;
  runtime?: Runtime;
  /**
   * Where to: node, node:NUMA, node::GPU,GPU or node:NUMA:GPU,GPU, as in node2:1:0,2; each is a run of its own. Left out: one run, where the scheduler chooses.
   *
   * @minItems 1
   * @maxItems 1000
   */
  targets?: string[];
  nodeSelector?: StringMap;
  /**
   * Taints of nodes that do not keep its runs away. Default none.
   *
   * @maxItems 100
   */
  tolerations?: Toleration[];
  /**
   * Runs of a higher one are placed first; what runs is never stopped for it. Default 0.
   */
  priority?: number;
  policy?: PlacementPolicy;
  resources?: Resources;
  env?: StringMap;
  /**
   * SOURCE:TARGET[:ro|rw] with absolute paths: folders or files of the node, shown in the container. Docker only.
   *
   * @maxItems 1000
   */
  mounts?: string[];
  /**
   * Absolute path. Default in docker: /shared, or the image's own where the runner has no shared directory; else the run's temporary directory.
   */
  workingDir?: string;
  /**
   * Docker's privileged mode. Default: the host's defaults.privileged.
   */
  privileged?: boolean;
  /**
   * So many runs of this Task may be active at a time, those that wait for a node and those of an earlier revision included; the others are made when one has ended. A change stops nothing. Left out: all of them.
   */
  parallelism?: number;
  /**
   * What follows a run that failed: a new run, with the next attempt in its name. One that was stopped is never tried again. Left out: nothing.
   */
  retry?: {
    /**
     * How often each run is tried again.
     */
    limit: number;
    /**
     * After which ends: NodeRestarted, its node took it away, with a restart or because a person has fenced it; Failed, any other failure. Default: both.
     *
     * @minItems 1
     * @maxItems 2
     */
    on?: ('Failed' | 'NodeRestarted')[];
    backoff?: Duration;
  };
  timeout?: Duration;
  ttlAfterFinished?: Duration;
  /**
   * true: what runs is paused, with all its processes, and nothing is started. Default false.
   */
  suspend?: boolean;
  /**
   * true: runs are stopped and none are started. Default false.
   */
  stopped?: boolean;
  /**
   * Any new value runs everything again.
   */
  rerun?: string;
}
export interface TaskStatus {
  /**
   * For people; derived from the runs.
   */
  phase?: 'Pending' | 'Running' | 'Suspended' | 'Stopping' | 'Stopped' | 'Succeeded' | 'Failed';
  /**
   * Runs of this revision that have not ended.
   */
  active?: number;
  succeeded?: number;
  /**
   * Runs of this revision that ended as Failed or Stopped.
   */
  failed?: number;
  /**
   * Runs that this revision makes.
   */
  total?: number;
  observedGeneration?: number;
  /**
   * Scheduled, Suspended, Complete, Failed.
   */
  conditions?: Condition[];
  /**
   * Grows when executionHash changes or rerun has a new value; names of runs are made of it.
   */
  revision?: number;
  /**
   * Hash of the fields that a run is made of.
   */
  executionHash?: string;
  /**
   * Version of the rules by which executionHash is made.
   */
  hashVersion?: number;
  /**
   * The value of spec.rerun that revision stands for.
   */
  rerun?: string;
  /**
   * Ordinals that succeeded in this revision, as in 0-411,413; never made again.
   */
  completed?: string;
  /**
   * Ordinals that ended otherwise in this revision, kept when their runs are gone; not made again before a rerun.
   */
  ended?: string;
  /**
   * At most 20: unfinished and failed ones first.
   */
  runs?: {
    name: string;
    ordinal: number;
    target?: string;
    point?: StringMap;
    node?: string;
    phase: string;
    exitCode?: number;
  }[];
}
/**
 * A command to run, once for each target.
 */
export interface Task {
  apiVersion: 'river.dev/v1';
  kind: 'Task';
  metadata: ObjectMeta;
  spec: TaskSpec;
  status?: TaskStatus;
}
/**
 * What the runs of one Task used on one Node, of those that ended on one day. Written by the host in the very transaction in which a run ends; kept for 400 days, also when Task, run and Node are gone.
 */
export interface Usage {
  apiVersion: 'river.dev/v1';
  kind: 'Usage';
  metadata: ObjectMeta;
  /**
   * Name of the Task.
   */
  task: string;
  /**
   * Name of the Node.
   */
  node: string;
  /**
   * On which the runs ended, by the host's clock in UTC, as in 2026-11-22.
   */
  day: string;
  /**
   * Runs whose program was started, every attempt counted.
   */
  runs: number;
  /**
   * Those of them that failed or were stopped.
   */
  unsuccessful?: number;
  /**
   * Those of them whose CPU time is not known: their node restarted, or its runner may not read control groups.
   */
  unmeasured?: number;
  /**
   * From start to end, pauses included.
   */
  wallSeconds: number;
  /**
   * Cores that were reserved, times wallSeconds: also while a program was idle or paused.
   */
  coreSeconds: number;
  /**
   * Time that the programs really spent on CPUs.
   */
  cpuSeconds?: number;
  /**
   * Bytes; the highest of all runs.
   */
  memoryPeak?: number;
}
