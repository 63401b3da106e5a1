import type Docker from 'dockerode';
import type { Clock, Logger, Rng } from '../../base/index.ts';
import { EventStream } from '../../engine/index.ts';
import { ownerOf, ownFilter } from './identity.ts';

const retry = { baseMs: 500, capMs: 15_000 };
const told = ['start', 'die', 'destroy', 'exec_start', 'exec_die'];

export interface ContainerEventsParts {
  engine: Docker;
  host: string;
  clock: Clock;
  rng: Rng;
  logger: Logger;
  /** See `EnvironmentContainers.follow`. */
  onChange(name?: string): void;
}

/** What the engine tells of the working containers of this host, until it is closed. */
export function followContainers(parts: ContainerEventsParts): { close(): void } {
  const { engine, host, clock, rng, logger, onChange } = parts;
  const filters = { type: ['container' as const], event: told, label: ownFilter(host) };
  const events = new EventStream({
    ...{ retry, clock, rng },
    ask: (abortSignal) => engine.getEvents({ filters, abortSignal }),
    onConnected: () => onChange(),
    onEvent: (attributes) => {
      const owner = ownerOf(attributes, host);
      if (owner) onChange(owner.environment);
    },
    onLost: () => logger.debug('lost the events of the Docker Engine; trying again'),
  });
  events.follow();
  return events;
}
