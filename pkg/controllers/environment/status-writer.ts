import type { Environment, NewCondition } from '../../api/index.ts';
import { hasCode } from '../../base/index.ts';
import type { Client } from '../../client/index.ts';

/** Type, whether it is true, reason, message. */
export type ConditionChange = readonly [type: string, isTrue: boolean, reason: string, message: string];

/** For a status patch, which takes them in by their type. */
export function conditions(changes: readonly ConditionChange[]): NewCondition[] {
  return changes.map(([type, isTrue, reason, message]) => ({
    type,
    status: isTrue ? 'True' : 'False',
    reason,
    message,
  }));
}

/** The one way in which the loop writes status. */
export class StatusWriter {
  readonly #client: Client;

  constructor({ client }: { client: Client }) {
    this.#client = client;
  }

  /** Of what was done for this very manifest. */
  write(environment: Environment, status: object): Promise<void> {
    return this.patch(environment, { observedGeneration: environment.metadata.generation, ...status });
  }

  /** A merge patch, of this very Environment. */
  async patch(environment: Environment, status: object): Promise<void> {
    const { name = '', uid } = environment.metadata;
    const patch = { metadata: { uid }, status };
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
