/** So many times what was told has to be there before more is. */
const grownBy = 1.05;
/** What is told of memory that has shrunk: the next little that goes changes nothing. */
const shrunkTo = 0.98;

/**
 * Memory that comes and goes, as that of a virtual machine whose host gives and takes it: told in few steps, because each is
 * a write for the whole cluster. Never more than there is: somebody would be given it.
 */
export class SteadyBytes {
  #told: number | undefined;

  /** What is told of what is there now. */
  settle(bytes: number): number {
    const told = this.#told;
    if (told === undefined || bytes > told * grownBy) this.#told = bytes;
    else if (bytes < told) this.#told = Math.floor(bytes * shrunkTo);
    return this.#told ?? bytes;
  }
}
