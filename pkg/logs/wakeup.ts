/** Something has happened: `next` resolves once for any number of calls of `fire` since it last did. */
export class Wakeup {
  #wake: (() => void) | undefined;
  #pending = false;

  readonly fire = (): void => {
    this.#pending = true;
    this.#wake?.();
    this.#wake = undefined;
  };

  /** For one waiting caller at a time. */
  async next(): Promise<void> {
    if (!this.#pending) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    this.#pending = false;
  }
}
