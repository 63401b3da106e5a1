import { execFile } from 'node:child_process';
import { RiverError } from '../../base/index.ts';
import { parseUnits, shownProperties, type Unit } from './unit.ts';

/** A start waits for the program to be executed, on a machine that may be busy with many. */
const startFactor = 3;

interface Answer {
  code: number;
  stdout: string;
  stderr: string;
}

/** The machine's systemd, through `systemctl` and `systemd-run`. Raises ServiceUnavailable when it does not answer. */
export class Manager {
  readonly #path: string;
  readonly #answerWithinMs: number;

  /** `path`: where the two programs are looked for, as in PATH. `answerWithinMs`: later it counts as hanging. */
  constructor(path: string, answerWithinMs: number) {
    this.#path = path;
    this.#answerWithinMs = answerWithinMs;
  }

  async version(): Promise<{ version: string; state: string }> {
    const text = await this.#ask(['show', '--property=Version', '--property=SystemState']);
    const get = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
    return { version: get('Version'), state: get('SystemState') };
  }

  /** What is loaded under names that fit `pattern`, by name: failed services too, well ended ones not any more. */
  async units(pattern: string): Promise<Map<string, Unit>> {
    const text = await this.#ask(['show', `--property=${shownProperties}`, '--', pattern]);
    return parseUnits(text);
  }

  async unit(name: string): Promise<Unit | undefined> {
    return (await this.units(name)).get(name);
  }

  /**
   * Answers when the service executes: undefined, or what was said against it. `argv[0]` is an absolute path.
   * Arguments and properties can be read by every user of the machine.
   */
  async start(name: string, properties: string[], argv: string[]): Promise<string | undefined> {
    const options = ['--quiet', '--no-ask-password', `--unit=${name}`];
    const answer = await this.#call('systemd-run', this.#answerWithinMs * startFactor, [
      ...options,
      ...properties.map((property) => `--property=${property}`),
      '--',
      ...argv.map(escapeDollar),
    ]);
    return answer.code === 0 ? undefined : answer.stderr;
  }

  /** To every process of the service. That it has none any more is no error. */
  async kill(name: string, signal: NodeJS.Signals): Promise<void> {
    await this.#call('systemctl', this.#answerWithinMs, ['kill', `--signal=${signal}`, '--', name]);
  }

  /** Until the service ends; asked for only if it shows others. On version 1 of control groups it changes nothing. */
  async allowCpus(name: string, cpus: string): Promise<void> {
    const shown = await this.#ask(['show', '--property=AllowedCPUs', '--value', '--', name]);
    if (shown.trim().replaceAll(' ', ',') === cpus) return;
    await this.#ask(['set-property', '--runtime', '--', name, `AllowedCPUs=`, `AllowedCPUs=${cpus}`]);
  }

  /** Lets go of a failed service. One that is not loaded is no error. */
  async forget(name: string): Promise<void> {
    await this.#call('systemctl', this.#answerWithinMs, ['reset-failed', '--', name]);
  }

  async #ask(args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.#call('systemctl', this.#answerWithinMs, args);
    if (code !== 0) throw unavailable(stderr || `systemctl ended with ${code}`);
    return stdout;
  }

  #call(program: string, timeout: number, args: string[]): Promise<Answer> {
    const env = { PATH: this.#path, LC_ALL: 'C', TZ: 'UTC', SYSTEMD_COLORS: '0' };
    return new Promise((resolve, reject) => {
      const options = { env, timeout, killSignal: 'SIGKILL' as const, maxBuffer: 1 << 26 };
      execFile(program, args, options, (error, stdout, stderr) => {
        const said = stderr.trim();
        if (error === null) resolve({ code: 0, stdout, stderr: said });
        else if (error.killed) reject(unavailable(`no answer within ${timeout / 1000} s`));
        else if (typeof error.code !== 'number') reject(unavailable(error.message));
        else if (isAway(said)) reject(unavailable(said));
        else resolve({ code: error.code, stdout, stderr: said });
      });
    });
  }
}

function isAway(said: string): boolean {
  return /not been booted with systemd|Failed to connect to bus|Connection timed out|Transport endpoint/.test(
    said,
  );
}

function unavailable(why: string): RiverError {
  return new RiverError(
    'ServiceUnavailable',
    `systemd does not answer (${why}): is it PID 1 of this machine, and is the runner root?`,
  );
}

/** systemd replaces $NAME in arguments. */
function escapeDollar(argument: string): string {
  return argument.replaceAll('$', '$$$$');
}

/** One argument of a command in a property, quoted as systemd.syntax(7) has it. */
export function quoted(argument: string): string {
  return `"${escapeDollar(argument).replaceAll(/["\\]/g, '\\$&')}"`;
}
