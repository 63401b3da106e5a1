import { type Condition, type Environment, setCondition } from '../../api/index.ts';
import { type Clock, hasCode, timestamp } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';

/** Type, whether it is true, reason, message. */
export type ConditionChange = readonly [type: string, isTrue: boolean, reason: string, message: string];

/** The one way in which the loop writes status. */
export class StatusWriter {
  readonly #client: Client;
  readonly #clock: Clock;

  constructor({ client, clock }: { client: Client; clock: Clock }) {
    this.#client = client;
    this.#clock = clock;
  }

  /** Those that the Environment has, with these changes. */
  conditions(environment: Environment, changes: readonly ConditionChange[]): Condition[] | undefined {
    const now = timestamp(this.#clock.now());
    return changes.reduce(
      (list, [type, isTrue, reason, message]) =>
        setCondition(list, { type, status: isTrue ? 'True' : 'False', reason, message }, now),
      environment.status?.conditions,
    );
  }

  /** A merge patch, of this very Environment. */
  async write(environment: Environment, status: object): Promise<void> {
    const { name = '', uid, generation } = environment.metadata;
    const patch = { metadata: { uid }, status: { observedGeneration: generation, ...status } };
    await unlessGone(this.#client.patch('Environment', '', name, patch, { subresource: 'status' }));
  }
}

export async function unlessGone(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!hasCode(error, 'NotFound')) throw error;
  }
}
