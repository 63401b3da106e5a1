import type { Gpu, GpuUsage } from '../api/index.ts';
import type { CommandAnswer, CommandRunner } from './command-runner.ts';
import type { Reading } from './cpus.ts';
import type { FileReader } from './file-reader.ts';
import { type NvidiaAnswer, type NvidiaGpu, parseNvidiaXml } from './nvidia-xml.ts';

/** Without its index: that is given by `GpuList`, which knows what was there before. */
export type FoundGpu = Omit<Gpu, 'index'>;

export interface FoundGpus {
  gpus: FoundGpu[];
  usage: GpuUsage[];
}

/** NVIDIA GPUs through nvidia-smi. A machine without that program and without the driver has none. */
export async function readNvidiaGpus(reader: FileReader, run: CommandRunner): Promise<Reading<FoundGpus>> {
  const answer = await run('nvidia-smi', ['-q', '-x']);
  const parsed = parseNvidiaXml(answer.stdout);
  if (!parsed) return { found: { gpus: [], usage: [] }, problems: whyNone(reader, answer) };
  const instances = parsed.gpus.some(({ mig }) => mig) ? await run('nvidia-smi', ['-L']) : undefined;
  const uuids = parseInstances(instances?.stdout ?? '');
  const each = parsed.gpus.map((gpu) => found(gpu, parsed, reader, uuids));
  return {
    found: { gpus: each.flatMap(({ gpus }) => gpus), usage: each.flatMap(({ usage }) => usage) },
    problems: [
      ...each.flatMap(({ problems }) => problems),
      ...(answer.end === 'ok' ? [] : [`nvidia-smi ${said(answer)}`]),
    ],
  };
}

function whyNone(reader: FileReader, answer: CommandAnswer): string[] {
  if (answer.end !== 'missing') return [`no GPU can be read: nvidia-smi ${said(answer)}`];
  return reader.read('/proc/driver/nvidia/version') === undefined
    ? []
    : ['no GPU can be read: the NVIDIA driver is loaded, and there is no nvidia-smi; install it'];
}

function said({ end, stdout, stderr }: CommandAnswer): string {
  if (end === 'timeout') return 'does not answer';
  if (end === 'ok') return 'answers with something that is not its XML';
  const line = (stderr.trim() || stdout.trim()).split('\n')[0] ?? '';
  return line ? `fails: ${line.slice(0, 200)}` : 'fails';
}

function found(
  gpu: NvidiaGpu,
  { driver }: NvidiaAnswer,
  reader: FileReader,
  instances: Map<string, Instance>,
): { gpus: FoundGpu[]; usage: GpuUsage[]; problems: string[] } {
  const { uuid } = gpu;
  if (uuid === undefined) {
    const which = gpu.pciAddress ?? `number ${gpu.position}`;
    return {
      gpus: [],
      usage: [],
      problems: [`the GPU ${which} is left out: ${gpu.trouble ?? 'no UUID'}`],
    };
  }
  const numa = numaOf(reader, gpu.pciAddress);
  const common = {
    ...(numa === undefined ? {} : { numa }),
    ...(gpu.pciAddress === undefined ? {} : { pciAddress: gpu.pciAddress }),
    ...(driver ? { driver } : {}),
    ...(gpu.trouble === undefined
      ? { health: 'Healthy' as const }
      : { health: 'Unhealthy' as const, healthMessage: `${gpu.trouble}.` }),
  };
  if (gpu.mig) return foundInstances(gpu.mig, { ...gpu, uuid }, common, instances);
  const whole = { uuid, model: gpu.model, memory: gpu.memoryBytes, ...common };
  return { gpus: [whole], usage: [{ uuid, ...gpu.usage }], problems: [] };
}

/** An instance shows memory of its own; the rest is that of its GPU, and is not repeated for each. */
function foundInstances(
  mig: NonNullable<NvidiaGpu['mig']>,
  gpu: NvidiaGpu & { uuid: string },
  common: Omit<FoundGpu, 'uuid' | 'model' | 'memory'>,
  instances: Map<string, Instance>,
): { gpus: FoundGpu[]; usage: GpuUsage[]; problems: string[] } {
  const gpus: FoundGpu[] = [];
  const usage: GpuUsage[] = [];
  const problems: string[] = [];
  for (const device of mig) {
    const instance = instances.get(`${gpu.uuid} ${device.deviceIndex}`);
    if (!instance) {
      problems.push(
        `MIG instance ${device.deviceIndex} of ${gpu.uuid} is left out: nvidia-smi -L does not show it`,
      );
      continue;
    }
    const { uuid, profile } = instance;
    const { memoryBytes, memoryUsed, memoryFree } = device;
    const parent = { profile, parentIndex: gpu.position, parentUuid: gpu.uuid };
    gpus.push({ uuid, model: `${gpu.model} MIG ${profile}`, memory: memoryBytes, ...common, mig: parent });
    usage.push({
      uuid,
      memoryTotal: memoryBytes,
      ...(memoryUsed === undefined ? {} : { memoryUsed }),
      ...(memoryFree === undefined ? {} : { memoryFree }),
      ...(gpu.usage.temperature === undefined ? {} : { temperature: gpu.usage.temperature }),
    });
  }
  return { gpus, usage, problems };
}

interface Instance {
  uuid: string;
  profile: string;
}

/** The lines of `nvidia-smi -L`, by UUID of the GPU and number of the instance: only there is the instance's UUID. */
function parseInstances(text: string): Map<string, Instance> {
  const instances = new Map<string, Instance>();
  let parent = '';
  for (const line of text.split('\n')) {
    parent = /^GPU \d+: .*\(UUID: (GPU-[\w-]+)\)/.exec(line)?.[1] ?? parent;
    const [, profile, number, uuid] =
      /^\s+MIG (\S+)\s+Device\s+(\d+): \(UUID: (MIG-[\w/-]+)\)/.exec(line) ?? [];
    if (profile && number && uuid) instances.set(`${parent} ${Number(number)}`, { uuid, profile });
  }
  return instances;
}

/** -1 stands there where the firmware does not say. */
function numaOf(reader: FileReader, pciAddress: string | undefined): number | undefined {
  if (pciAddress === undefined) return undefined;
  const text = reader.read(`/sys/bus/pci/devices/${pciAddress}/numa_node`)?.trim() ?? '';
  return /^\d{1,4}$/.test(text) ? Number(text) : undefined;
}
