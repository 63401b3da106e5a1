import type Docker from 'dockerode';
import { unless } from '../../engine/index.ts';
import type { Container } from './state.ts';

/** Holds what runs in a container to these CPUs, if the engine does not already. */
export async function moveTo(
  cpus: string,
  { id, status, cpus: held }: Container,
  engine: Docker,
): Promise<void> {
  if ((status !== 'running' && status !== 'paused') || held === cpus) return;
  await unless([404, 409], engine.getContainer(id).update({ CpusetCpus: cpus }));
}
