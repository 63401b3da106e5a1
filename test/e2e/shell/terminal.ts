import { join } from 'node:path';
import { eventually, type Running, root, type Sandbox } from '../sandbox.ts';

export interface Ended {
  code: number;
  /** The terminal echoes and edits lines as before. */
  sane: boolean;
}

/** `river` as a person uses it: in a terminal, with keys and a window. */
export class Terminal {
  readonly #running: Running;

  constructor(sandbox: Sandbox, args: readonly string[]) {
    const { by } = sandbox;
    sandbox.by = [...by, 'python3', join(root, 'test/env/terminal.py')];
    this.#running = sandbox.start('river', args, { TERM: 'xterm' });
    sandbox.by = by;
  }

  /** All that was written to it so far. */
  get screen(): string {
    return this.#running.stdout;
  }

  type(keys: string): void {
    this.#tell(`type ${Buffer.from(keys).toString('base64')}`);
  }

  resize(columns: number, rows: number): void {
    this.#tell(`resize ${columns} ${rows}`);
  }

  async shows(text: string): Promise<void> {
    await this.#running.says(text).catch((error: Error) => {
      throw new Error(`${error.message}, on ${JSON.stringify(this.screen)}`);
    });
  }

  /** Keys that the shell answers, when it has answered: what it prints is not what was typed. */
  async run(command: string, answer: string): Promise<void> {
    this.type(`${command}\n`);
    await this.shows(answer);
  }

  /** To the program in it, not to the terminal. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    await eventually('its pid', 10_000, () => this.#running.stderr.includes('}'));
    const [line = ''] = this.#running.stderr.split('\n');
    process.kill((JSON.parse(line) as { pid: number }).pid, signal);
  }

  async ended(): Promise<Ended> {
    await this.#running.ended;
    const last = this.#running.stderr.trim().split('\n').at(-1) ?? '';
    return JSON.parse(last) as Ended;
  }

  #tell(line: string): void {
    this.#running.child.stdin?.write(`${line}\n`);
  }
}
