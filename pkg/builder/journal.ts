const shownLines = 10;
const shownCharacters = 4096;

/** The output of a build as it is kept, and what of it tells why it failed: where it was, and its last lines there. */
export class Journal {
  readonly #write: (text: string) => void;
  #place = '';
  #last = '';

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  /** What is done from now on. `line`: how that is written, when it is. */
  begin(place: string, line?: string): void {
    this.#place = place;
    this.#last = '';
    if (line !== undefined) this.#write(`${line}\n`);
  }

  /** What the program of a step writes, or is written about it. */
  readonly output = (text: string): void => {
    this.#last = (this.#last + text).slice(-shownCharacters);
    this.#write(text);
  };

  /** One sentence about the end of what was begun last. */
  ended(how: string): string {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of a program have no place in a message
    const plain = this.#last.replaceAll(/\x1b\[[0-9;]*m/g, '');
    const lines = plain.trim().split('\n').slice(-shownLines).join('\n');
    return `${this.#place} ${how}${lines ? `; its last lines:\n${lines}` : ''}`;
  }
}
