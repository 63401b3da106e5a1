/** Versions that reads under way still need: compaction waits for those below its floor. */
export class Pins {
  readonly #pins = new Set<() => number>();

  /** Answers the function that takes the pin away. `version` is asked each time: replays move on. */
  add(version: () => number): () => void {
    this.#pins.add(version);
    return () => {
      this.#pins.delete(version);
    };
  }

  /** Infinity when nothing is pinned. */
  lowest(): number {
    return Math.min(...[...this.#pins].map((version) => version()));
  }
}
