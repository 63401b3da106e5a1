import { mkdirSync, rmSync } from 'node:fs';
import type { FolderOperations, MachineReader } from '../../pkg/runner/index.ts';
import {
  cpuPercent,
  fileReader,
  readBootId,
  readCpuTemperature,
  readCpuTimes,
  readMachine,
  readMemory,
} from '../../pkg/topology/index.ts';

const files = fileReader('/');

export function bootId(): string {
  return readBootId(files);
}

/** This machine, as the kernel tells it. `version`: of this program. */
export function machineReader(version: string): MachineReader {
  let before = readCpuTimes(files);
  return {
    facts() {
      const { cores, memoryBytes, kernel, os } = readMachine(files);
      return { cores, memoryBytes, versions: { river: version, kernel, os } };
    },
    usage() {
      const now = readCpuTimes(files);
      const percent = before && now ? cpuPercent(before, now) : undefined;
      before = now;
      const { usedBytes } = readMemory(files);
      const temperature = readCpuTemperature(files);
      return {
        ...(percent === undefined ? {} : { cpuPercent: percent }),
        ...(usedBytes === undefined ? {} : { memoryUsed: usedBytes }),
        ...(temperature === undefined ? {} : { cpuTemperature: temperature }),
      };
    },
  };
}

export const folders: FolderOperations = {
  ensureFolder: (path) => {
    mkdirSync(path, { recursive: true });
  },
  removeFile: (path) => rmSync(path, { force: true }),
};
