import { createRequire } from 'node:module';
import type Docker from 'dockerode';

/** The client is loaded at the first call: a host that builds nothing does without it. Connects to nothing yet. */
export function openEngine(socketPath: string): Docker {
  const Engine = createRequire(import.meta.url)('dockerode') as typeof import('dockerode');
  return new Engine({ socketPath });
}
