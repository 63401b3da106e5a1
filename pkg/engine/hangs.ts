import type { Clock } from '../base/index.ts';
import { openEngine } from './open.ts';

/** Its types leave out that a ping can be given up. */
interface Pinged {
  ping(options: { abortSignal: AbortSignal }): Promise<unknown>;
}

/** Says for people that it takes requests and answers none; undefined when it answers, or refuses connections at once. */
export async function hangOf(
  socketPath: string,
  { clock, withinMs }: { clock: Clock; withinMs: number },
): Promise<string | undefined> {
  const patience = new AbortController();
  const timer = clock.after(withinMs, () => patience.abort());
  try {
    await (openEngine(socketPath) as unknown as Pinged).ping({ abortSignal: patience.signal });
    return undefined;
  } catch {
    if (!patience.signal.aborted) return undefined;
    return `the Docker Engine at ${socketPath} takes requests and does not answer: restart dockerd if it stays so`;
  } finally {
    timer.cancel();
  }
}
