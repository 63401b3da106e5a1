import type { Environment } from '../../api/index.ts';
import type { Clock } from '../../base/index.ts';
import type { BuildRequest } from '../../builder/index.ts';
import type { StatusWriter } from './status-writer.ts';

/** Between two writes of one phase. */
const progressMs = 1000;

export interface Progress {
  /** Without a phase that stays as it is. */
  tell(progress: Partial<Parameters<BuildRequest['onProgress']>[0]>): void;
  /** Resolves when nothing more is written. */
  end(): Promise<void>;
}

/** Says in the status how far a build is. */
export function progressWriter(
  environment: Environment,
  { status, clock }: { status: StatusWriter; clock: Clock },
): Progress {
  let lastAt = Number.NEGATIVE_INFINITY;
  let lastPhase: string | undefined;
  let writes: Promise<void> = Promise.resolve();
  return {
    tell: ({ phase, text }) => {
      if (phase === lastPhase && clock.monotonic() - lastAt < progressMs) return;
      lastPhase = phase;
      lastAt = clock.monotonic();
      const patch = { ...(phase ? { phase } : {}), progress: text ?? null };
      // The build goes on, whatever becomes of a word about it.
      writes = writes.then(() => status.write(environment, patch)).catch(() => {});
    },
    end: () => writes,
  };
}
