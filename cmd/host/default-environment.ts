import { apiVersion, type ClusterDefaults } from '../../pkg/api/index.ts';
import { errorMessage, hasCode, type Logger } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import type { HostSettings } from '../../pkg/config/index.ts';

type Wanted = Pick<HostSettings, 'defaults' | 'defaultEnvironment'>;

/** Makes the Environment of the configuration where there is none of its name. From then on it is people's. */
export class DefaultEnvironment {
  readonly #logger: Logger;
  /** Tasks that wait for an Environment which nobody has made would wait for ever. */
  #present: string | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Never fails: without it the host serves what names an environment of its own. */
  async ensure(client: Client, { defaultEnvironment }: Wanted): Promise<void> {
    if (defaultEnvironment === undefined) return;
    const { name, spec } = defaultEnvironment;
    try {
      if (!(await exists(client, name))) {
        // With the owner of manifests: a manifest of this name takes it over without a conflict.
        const object = { apiVersion, kind: 'Environment', metadata: { name }, spec } as const;
        await client.apply(object, { fieldManager: 'river' });
        this.#logger.info('the default environment was made', { environment: name });
      }
      this.#present = name;
    } catch (error) {
      const reason = errorMessage(error);
      this.#logger.error('the default environment cannot be made', { environment: name, reason });
    }
  }

  defaultsOf({ defaults }: Wanted): ClusterDefaults {
    return defaults.environment === this.#present ? defaults : { ...defaults, environment: undefined };
  }
}

async function exists(client: Client, name: string): Promise<boolean> {
  try {
    await client.get('Environment', '', name);
    return true;
  } catch (error) {
    if (hasCode(error, 'NotFound')) return false;
    throw error;
  }
}
