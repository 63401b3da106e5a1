import { join } from 'node:path';
import { type Logger, realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import { dockerExecutor } from '../../pkg/executor/docker/index.ts';
import type { Executor } from '../../pkg/executor/index.ts';
import { processExecutor } from '../../pkg/executor/process/index.ts';
import { systemdExecutor } from '../../pkg/executor/systemd/index.ts';

/** A real executor as a test wants it; plain data, so that another process can open the same one. */
export interface ExecutorSetting {
  /** `plain`: processes on a machine without control groups. */
  kind: 'process' | 'plain' | 'docker' | 'systemd';
  /** Of the test. */
  folder: string;
  clusterUid: string;
  isRoot: boolean;
  /** Docker. */
  socketPath?: string;
  image?: string;
}

export function openExecutor(
  setting: ExecutorSetting,
  { bootId = 'this-boot', logger = silentLogger }: { bootId?: string; logger?: Logger } = {},
): Executor {
  const { kind, folder, clusterUid, isRoot } = setting;
  const shared = { clusterUid, clock: realClock, logger, bootId: () => bootId };
  const stateDir = join(folder, kind);
  const baseEnv = { PATH: '/usr/bin:/bin', HOME: '/nowhere', LANG: 'C.UTF-8' };
  switch (kind) {
    case 'process':
      return processExecutor({ ...shared, stateDir, baseEnv });
    case 'plain':
      return processExecutor({ ...shared, stateDir, baseEnv, cgroupRoot: '/nowhere' });
    case 'systemd':
      return systemdExecutor({ ...shared, stateDir, baseEnv, isRoot, stopGraceMs: 1000 });
    case 'docker': {
      const { socketPath = '' } = setting;
      return dockerExecutor({ ...shared, stateDir, isRoot, socketPath, rng: realRng, count: () => {} });
    }
  }
}
