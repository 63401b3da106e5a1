import type { NewCondition } from '../api/index.ts';
import type { Clock, Logger } from '../base/index.ts';

/** So far apart times in status, times to live and the validity of certificates begin to mislead. */
const skewedMs = 5_000;
/** Less than that again: at the limit itself it would come and go. */
const inStepMs = 2_500;

export interface ClockSkewParts {
  clock: Clock;
  logger: Logger;
  /** The condition is not as it was. */
  onChange: () => void;
}

/** How far this machine's wall clock is from the host's, as the answers to heartbeats show it. */
export class ClockSkew {
  readonly #parts: ClockSkewParts;
  /** Milliseconds ahead of the host, when that was told last; undefined: not measured yet. */
  #toldMs: number | undefined;

  constructor(parts: ClockSkewParts) {
    this.#parts = parts;
  }

  /** `hostTime`: of an answer that has just come, so long after it was asked for. */
  measured(hostTime: string, roundTripMs: number): void {
    const { clock, logger, onChange } = this.#parts;
    const aheadMs = clock.now() - roundTripMs / 2 - Date.parse(hostTime);
    // Anywhere on its way the answer may have waited: only what is sure counts, or slow answers would make it come and go.
    const uncertainMs = roundTripMs / 2;
    const wasSkewed = this.#isSkewed;
    const isSkewed = wasSkewed
      ? Math.abs(aheadMs) + uncertainMs > inStepMs
      : Math.abs(aheadMs) - uncertainMs > skewedMs;
    const movedMs = Math.abs(aheadMs - (this.#toldMs ?? 0)) - uncertainMs;
    const isAnother = isSkewed && movedMs > Math.abs(this.#toldMs ?? 0) / 2;
    if (this.#toldMs !== undefined && isSkewed === wasSkewed && !isAnother) return;
    this.#toldMs = isSkewed ? aheadMs : 0;
    if (isSkewed)
      logger.warn('the clock of this machine is far from that of the host', { aheadMs, hostTime });
    onChange();
  }

  get #isSkewed(): boolean {
    return this.#toldMs !== undefined && this.#toldMs !== 0;
  }

  /** Nothing before the first measurement. */
  conditions(): NewCondition[] {
    const type = 'ClockSkewed';
    if (this.#toldMs === undefined) return [];
    if (!this.#isSkewed)
      return [
        { type, status: 'False', reason: 'InStep', message: 'The clock shows what that of the host shows.' },
      ];
    const seconds = Math.round(Math.abs(this.#toldMs) / 1000);
    const where = this.#toldMs > 0 ? 'ahead of' : 'behind';
    const message = `The clock of this machine is ${seconds} s ${where} that of the host: set one of them right.`;
    return [{ type, status: 'True', reason: this.#toldMs > 0 ? 'ClockAhead' : 'ClockBehind', message }];
  }
}
