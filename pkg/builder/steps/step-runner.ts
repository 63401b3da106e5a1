import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import type Docker from 'dockerode';
import { type EnvironmentSpec, type EnvironmentStep, parseCores, parseQuantity } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';
import { copyLimitBytes, readTarEntries, tarHeader, tarPadding } from '../../environment/index.ts';
import { labels } from '../images/labels.ts';
import { readBuild, type StepOutcome } from './build-output.ts';
import { type CopySource, stepDockerfile } from './steps.ts';

export interface StepRequest {
  /** Image to do it on. */
  from: string;
  step: EnvironmentStep;
  /** What the layer is found by again. */
  label: string;
  limits: EnvironmentSpec['limits'];
  signal: AbortSignal;
  /** File with what is copied, as it was sent. */
  upload?: string;
  output(text: string): void;
}

const periodUs = 100_000;

/**
 * One step as one build of the engine's own builder (its first one: it needs nothing that would have to be pulled).
 * When the connection ends, because the host was killed or gives up, the engine ends the build and removes its container.
 */
export async function runStep(engine: Docker, request: StepRequest): Promise<StepOutcome> {
  const { step, from, label, limits = {}, signal } = request;
  const { cores = 0, memory } = limits;
  const milliCores = parseCores(cores);
  const context = await contextOf(request.upload, (source) => stepDockerfile(from, step, source));
  const memoryBytes = memory === undefined ? 0 : parseQuantity(memory);
  const stream = await engine.buildImage(context, {
    labels: { [labels.step]: label },
    // What is cached is decided by the keys alone.
    nocache: true,
    rm: true,
    forcerm: true,
    networkmode: 'host',
    abortSignal: signal,
    ...(memoryBytes > 0 ? { memory: memoryBytes, memswap: memoryBytes } : {}),
    ...(milliCores > 0 ? { cpuperiod: periodUs, cpuquota: (milliCores * periodUs) / 1000 } : {}),
  });
  return readBuild(stream, request.output);
}

/** The Dockerfile and, right behind it, the tar that was sent: nothing is unpacked on the host. */
async function contextOf(
  upload: string | undefined,
  dockerfile: (source?: CopySource) => string,
): Promise<NodeJS.ReadableStream> {
  const text = Buffer.from(dockerfile(upload === undefined ? undefined : await sourceIn(upload)));
  const head = tarHeader({ path: 'Dockerfile', size: text.length, mode: 0o644, type: 'file' });
  const parts = [head, text, tarPadding(text.length)];
  async function* chunks(): AsyncGenerator<Buffer> {
    yield Buffer.concat(parts);
    if (upload === undefined) yield Buffer.alloc(1024);
    else yield* createReadStream(upload);
  }
  return Readable.from(chunks());
}

async function sourceIn(upload: string): Promise<CopySource> {
  const { size } = await stat(upload).catch(() => {
    throw new RiverError('NotFound', 'what is to be copied was never sent to the host: use river apply');
  });
  if (size > copyLimitBytes)
    throw new RiverError(
      'Invalid',
      `what is to be copied has ${size} bytes; at most ${copyLimitBytes} can be`,
    );
  const handle = await open(upload, 'r');
  try {
    const [first] = await readTarEntries(handle, upload);
    if (first?.path.startsWith('file/')) return { kind: 'file', path: first.path };
    return { kind: 'directory', path: 'directory/' };
  } finally {
    await handle.close();
  }
}
