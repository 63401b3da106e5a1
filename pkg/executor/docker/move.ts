import type Docker from 'dockerode';
import { unless } from '../../engine/index.ts';
import type { Container } from './state.ts';

const movable = ['created', 'running', 'paused'];

/** Holds what runs in a container, or is yet to be started there, to these CPUs, if the engine does not already. */
export async function moveTo(
  cpus: string,
  { id, status, cpus: held }: Container,
  engine: Docker,
): Promise<void> {
  if (!movable.includes(status) || held === cpus) return;
  await unless([404, 409], engine.getContainer(id).update({ CpusetCpus: cpus }));
}
