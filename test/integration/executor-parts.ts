import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LogFields, type Logger, realClock, silentLogger, sleep } from '../../pkg/base/index.ts';
import type { Execution, ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import { parseCpuList } from '../../pkg/topology/index.ts';

/** A fresh folder for one test file; `remove` at its end. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'river-executor-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Waits for a condition, at most 30 s. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = realClock.monotonic() + 30_000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (realClock.monotonic() > deadline) throw new Error(`waited in vain for: ${what}`);
    await sleep(realClock, 10);
  }
}

/** The end of a run, found by the executor's own notices; a look now and then would hide a lost one. */
export async function untilExited(executor: Executor, runUid: string): Promise<Execution> {
  return new Promise((resolve, reject) => {
    const look = async () => {
      const execution = await executor.inspect(runUid);
      if (execution?.state !== 'exited') return;
      listener.close();
      resolve(execution);
    };
    const listener = executor.onChange((changed) => {
      if (changed === undefined || changed === runUid) look().catch(reject);
    });
    look().catch(reject);
  });
}

export function makeSpec(folder: string, runUid: string, more: Partial<ExecutionSpec>): ExecutionSpec {
  mkdirSync(join(folder, 'logs'), { recursive: true });
  return {
    runUid,
    namespace: 'default',
    runName: `run-${runUid}`,
    clusterUid: 'feedc0de-1111-4222-8333-444455556666',
    runtime: 'process',
    env: {},
    mounts: [],
    privileged: false,
    milliCores: 0,
    memoryBytes: 0,
    outPath: join(folder, 'logs', `${runUid}.out`),
    errPath: join(folder, 'logs', `${runUid}.err`),
    ...more,
  };
}

/** Until it has been seen to compute, as `while :; do :; done` does, on no more than so many cores: how fast it gets there is the machine's affair. */
export async function seenComputing(executor: Executor, runUid: string, atMost: number): Promise<void> {
  const look = async () => ({
    usage: (await executor.usage([runUid, 'somebody-else'])).get(runUid),
    atMs: realClock.monotonic(),
  });
  const first = await eventually('a first figure', async () => {
    const found = await look();
    return found.usage?.cpuSeconds !== undefined && { ...found, cpuSeconds: found.usage.cpuSeconds };
  });
  await eventually(`at most ${atMost} cores in use`, async () => {
    const { usage, atMs } = await look();
    const used = (usage?.cpuSeconds ?? 0) - first.cpuSeconds;
    const cores = used / ((atMs - first.atMs) / 1000);
    return used > 0.1 && cores < atMost * 1.8 && (usage?.memoryUsed ?? 0) > 10_000;
  });
}

export function output(spec: ExecutionSpec): { out: string; err: string } {
  return { out: readFileSync(spec.outPath, 'utf8'), err: readFileSync(spec.errPath, 'utf8') };
}

/** Keeps warnings for a look at the end of a test. */
export function warningsOnly(): { logger: Logger; warnings: { message: string; fields?: LogFields }[] } {
  const warnings: { message: string; fields?: LogFields }[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (message, fields) => {
      warnings.push({ message, fields });
    },
    child: () => logger,
  };
  return { logger, warnings };
}

/** CPUs that the kernel lets a process be on, as in 0-1. */
export function cpusOf(pid: number | 'self'): string {
  return /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 'none';
}

/** What the kernel's own files say of a process, on both versions of control groups; '' where one says nothing. */
export function kernelOf(pid: number): {
  cpus: string;
  memoryNodes: string;
  memory: string;
  cpuTime: string;
} {
  const text = (path: string) => {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch {
      return '';
    }
  };
  const groups = text(`/proc/${pid}/cgroup`).split('\n');
  const group = (controller: string) =>
    groups.find((line) => line.split(':')[1]?.split(',').includes(controller))?.split(':')[2] ?? '';
  const root = '/sys/fs/cgroup';
  const first = (...paths: string[]) => paths.map(text).find((found) => found !== '') ?? '';
  const [quota, period] = ['quota', 'period'].map((what) =>
    text(`${root}/cpu${group('cpu')}/cpu.cfs_${what}_us`),
  );
  return {
    cpus: cpusOf(pid),
    memoryNodes: /^Mems_allowed_list:\s*(\S+)$/m.exec(text(`/proc/${pid}/status`))?.[1] ?? '',
    memory: first(`${root}${group('')}/memory.max`, `${root}/memory${group('memory')}/memory.limit_in_bytes`),
    cpuTime: first(`${root}${group('')}/cpu.max`) || `${quota} ${period}`,
  };
}

/** What of this machine tests may use; `other` is empty where there is only one CPU. */
export function usable(): { all: string; cpus: string; other: string; memoryNodes: string } {
  const all = cpusOf('self');
  const [cpus = '', other = ''] = (parseCpuList(all) ?? []).map(String);
  const nodes = /^Mems_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return { all, cpus, other, memoryNodes: String(parseCpuList(nodes)?.[0] ?? '') };
}

/** What the kernel says of a program that is held to these limits, and to one CPU and one NUMA node of those. */
export const heldLimits = { milliCores: 500, memoryBytes: 50_000_001 };
export function heldByKernel() {
  const { cpus, memoryNodes } = usable();
  return { cpus, memoryNodes, memory: '49999872', cpuTime: '50000 100000' };
}
