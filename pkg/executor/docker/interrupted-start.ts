import { type Clock, RiverError, sleep } from '../../base/index.ts';
import { readKernelFile, signalAll } from '../kernel/index.ts';
import type { EngineEvents } from './events.ts';
import type { ParentGroups } from './parent-group.ts';
import { type Container, isUnstarted } from './state.ts';

/** What is known of a start that an engine did not live to finish. */
type InterruptedStart = 'never started' | 'may have run';

/** Of a run whose start was interrupted and may have run. */
export const startUnknown = {
  reason: 'StartUnknown',
  message:
    'The Docker Engine ended while it started the program: whether it has run is not known, so it is not started a second time.',
};

/** How the runtime calls a container's first process until it becomes the program. */
const beforeStart = /^runc\0init\0/;
const pollMs = 20;
/** What making a container takes at most, where the machine has a lot to do. */
const creationMs = 10_000;

/**
 * An engine that dies between the start of a program and the note of it in its own files takes the container for one
 * that was never started when it is back. A second start would then run the program twice, and what runs already is out of
 * the engine's reach (seen on 20.10). So it is ended here, where the machine lets us see it: what the container was given
 * is free afterwards.
 */
export class InterruptedStarts {
  readonly #engine: Pick<EngineEvents, 'hasMade'>;
  readonly #clock: Clock;

  constructor(engine: Pick<EngineEvents, 'hasMade'>, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  /** Undefined unless the container was made by an engine that has ended since, which may have been asked to start it. */
  async end(
    runUid: string,
    container: Container,
    groups: ParentGroups | undefined,
  ): Promise<InterruptedStart | undefined> {
    const { id, createdAt = 0 } = container;
    if (!isUnstarted(container) || (await this.#engine.hasMade(id))) return undefined;
    // An engine shows a container a moment before it tells of it.
    if (Math.abs(this.#clock.now() - createdAt) < creationMs)
      throw new RiverError(
        'ServiceUnavailable',
        'The container is just being made, or its engine has ended.',
      );
    return this.#endMembers(runUid, groups);
  }

  async #endMembers(runUid: string, groups: ParentGroups | undefined): Promise<InterruptedStart> {
    if (!groups) return 'may have run';
    const first = await groups.members(runUid);
    if (first === undefined) return 'never started';
    const commands = first.map((pid) => readKernelFile(`/proc/${pid}/cmdline`));
    for (let pids = first; pids.length > 0; pids = (await groups.members(runUid)) ?? []) {
      // Of a control group of this run alone: no other process can have got the number.
      signalAll(pids, 'SIGKILL');
      await sleep(this.#clock, pollMs);
    }
    const waited = commands.length > 0 && commands.every((command) => beforeStart.test(command));
    return waited ? 'never started' : 'may have run';
  }
}
