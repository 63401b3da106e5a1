import { mkdirSync, rmSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import type { RunnerSettings } from '../../pkg/config/index.ts';
import type { FolderOperations, MachineReader, VolumeSpace } from '../../pkg/runner/index.ts';
import {
  commandRunner,
  cpuUse,
  fileReader,
  readBootId,
  readCpuTemperature,
  readCpuTimes,
  readMachine,
  readMemory,
  SteadyBytes,
  TopologyReader,
} from '../../pkg/topology/index.ts';

const files = fileReader('/');

export function bootId(): string {
  return readBootId(files);
}

/** A driver in trouble keeps nvidia-smi waiting for ever. */
const commandDeadlineMs = 20_000;

/** This machine, as the kernel tells it. `version`: of this program. */
export function machineReader(
  version: string,
  { topology: fixed, reserved }: Pick<RunnerSettings, 'topology' | 'reserved'>,
): MachineReader {
  const run = commandRunner(process.env.PATH ?? '/usr/bin:/bin', commandDeadlineMs);
  const reservedCores = reserved.milliCores / 1000;
  const topology = new TopologyReader({ reader: files, run, fixed, reservedCores });
  const memory = new SteadyBytes();
  let before = readCpuTimes(files);
  return {
    facts() {
      const { cores, memoryBytes, kernel, os } = readMachine(files);
      return { cores, memoryBytes: memory.settle(memoryBytes), versions: { river: version, kernel, os } };
    },
    topology: () => topology.read(),
    usage() {
      const now = readCpuTimes(files);
      const use = before && now ? cpuUse(before, now) : undefined;
      before = now;
      const { usedBytes } = readMemory(files);
      const temperature = readCpuTemperature(files);
      return {
        ...(use === undefined ? {} : { cpuPercent: use.percent, cores: use.cores }),
        ...(usedBytes === undefined ? {} : { memoryUsed: usedBytes }),
        ...(temperature === undefined ? {} : { cpuTemperature: temperature }),
      };
    },
  };
}

/** Asked anew each time: what is mounted may change. */
export async function volumeSpace(path: string): Promise<VolumeSpace> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(path);
  return { size: blocks * bsize, free: bavail * bsize, files, freeFiles: ffree };
}

export const folders: FolderOperations = {
  ensureFolder: (path) => {
    mkdirSync(path, { recursive: true });
  },
  removeFile: (path) => rmSync(path, { force: true }),
};
