import type { Clock, Logger, Rng } from '../../base/index.ts';
import type { ExecutorEvent } from '../index.ts';

export interface DockerExecutorOptions {
  /** Of the engine, as in `/var/run/docker.sock`. */
  socketPath: string;
  /** Its own folder, for scripts; made when missing. */
  stateDir: string;
  clusterUid: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  count: (event: ExecutorEvent) => void;
  /** The machine's boot id, as `/proc/sys/kernel/random/boot_id` has it. */
  bootId: () => string;
  /** Whether this process is root: only then can figures be read, and groups removed. */
  isRoot: boolean;
  /** Default `/sys/fs/cgroup`. */
  cgroupRoot?: string;
  /** After it an engine that has not answered counts as hanging. Default 30 s; 10 s for the probe. */
  answerWithinMs?: number;
}
