import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Clock } from '../../base/index.ts';

/**
 * Starts wrappers for the runner. A start from a large process copies its page tables and stands still until the
 * child has been given a processor (6 ms of everybody's time on a busy machine); this shell is small and asks nobody
 * to wait.
 *
 * - It reads names of files, one a line, and lets a subshell carry out each.
 * - `setsid -f` makes the wrapper leader of its own session, and lets the subshell end: whoever reaps orphans reaps
 *   it. A background job of the shell would ignore SIGINT for good.
 * - fd 3 is the pipe to the runner, shared by all: each says its folder in one short write.
 * - It ends when the runner does, and takes nothing with it.
 */
const launcherText = `exec 3>&1
RIVER_SETSID=$(command -v setsid) && "$RIVER_SETSID" -f true || exit 1
while IFS= read -r RIVER_FILE; do
  (
    trap 'echo "failed \${RIVER_FILE%/*}" >&3' EXIT
    . "$RIVER_FILE"
  ) </dev/null
done
`;

/** A wrapper that has said nothing for so long is not waited for. */
const patienceMs = 10_000;

export interface Launch {
  /** Of the run: a file of its own is put there. */
  folder: string;
  outPath: string;
  errPath: string;
  workingDir: string;
  /** Complete. */
  env: Record<string, string>;
  /** What `/bin/sh` is called with. */
  args: string[];
}

/** What the wrapper says. `unknown`: nothing was said. It may be started yet: only its claim tells. */
export type LaunchAnswer = (typeof words)[number] | 'unknown';

const words = ['started', 'refused', 'full'] as const;

export class Launcher {
  readonly #clock: Clock;
  readonly #path: string;
  /** By uid: two starts of one run at the same time get two answers, no matter which. */
  readonly #waiting = new Map<string, ((answer: LaunchAnswer) => void)[]>();
  #shell: ChildProcess | undefined;
  #unusable = false;
  #unread = '';

  /** `path`: where setsid and env are looked up. */
  constructor(clock: Clock, path: string) {
    this.#clock = clock;
    this.#path = path;
    // Nobody else would reap the orphans that it leaves.
    this.#unusable = process.pid === 1;
  }

  async launch(launch: Launch): Promise<LaunchAnswer> {
    if (this.#unusable) return 'unknown';
    const file = await writeNew(launch.folder, launchText(launch)).catch(() => undefined);
    if (file === undefined) return 'unknown';
    const { promise, resolve } = Promise.withResolvers<LaunchAnswer>();
    const uid = basename(launch.folder);
    const timer = this.#clock.after(patienceMs, () => this.#answer(uid, 'unknown'), { unref: true });
    this.#waiting.set(uid, [...(this.#waiting.get(uid) ?? []), resolve]);
    this.#shell ??= this.#start();
    this.#shell.stdin?.write(`${file}\n`);
    return promise.finally(() => timer.cancel());
  }

  close(): void {
    this.#unusable = true;
    this.#shell?.stdin?.end();
  }

  #start(): ChildProcess {
    const shell = spawn('/bin/sh', ['-c', launcherText, 'river-launcher'], {
      cwd: '/',
      env: { PATH: this.#path },
      detached: true,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const lost = () => this.#lost(shell);
    shell.once('error', lost).once('exit', lost);
    shell.stdin?.on('error', lost);
    shell.stdout?.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    // Must not keep the runner alive.
    shell.unref();
    for (const stream of [shell.stdin, shell.stdout]) (stream as { unref?: () => void } | null)?.unref?.();
    return shell;
  }

  /** The machine has no setsid, or somebody ended it: the next start is tried with another only in the second case. */
  #lost(shell: ChildProcess): void {
    if (this.#shell !== shell) return;
    this.#shell = undefined;
    this.#unread = '';
    if (shell.exitCode === 1) this.#unusable = true;
    while (this.#waiting.size > 0) for (const uid of [...this.#waiting.keys()]) this.#answer(uid, 'unknown');
  }

  #read(text: string): void {
    const lines = (this.#unread + text).split('\n');
    this.#unread = lines.pop() ?? '';
    for (const line of lines) {
      const space = line.indexOf(' ');
      const word = words.find((each) => each === line.slice(0, space));
      this.#answer(basename(line.slice(space + 1)), word ?? 'unknown');
    }
  }

  #answer(uid: string, answer: LaunchAnswer): void {
    const [first, ...others] = this.#waiting.get(uid) ?? [];
    if (others.length > 0) this.#waiting.set(uid, others);
    else this.#waiting.delete(uid);
    first?.(answer);
  }
}

/** Never one that was there before: a shell may be reading that, and half a file is another program. */
async function writeNew(folder: string, text: string): Promise<string> {
  for (let number = 0; ; number += 1) {
    const file = join(folder, `launch-${number}`);
    try {
      await writeFile(file, text, { mode: 0o600, flag: 'wx' });
      return file;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/**
 * Everything of the Run is inside of single quotes, in which a shell finds nothing to do. Variables are exported, not
 * handed to `env`: there they would stand in the process list for a moment. A shell that keeps one of them to itself
 * (UID in bash) fails, and the runner starts the wrapper by itself.
 */
function launchText({ workingDir, outPath, errPath, env, args }: Launch): string {
  const exports = Object.entries(env).map(([name, value]) => `export ${name}=${quoted(value)} || exit`);
  return [
    `cd ${quoted(workingDir)} && exec >>${quoted(outPath)} 2>>${quoted(errPath)} || exit`,
    'unset PATH PWD OLDPWD',
    ...exports,
    `exec "$RIVER_SETSID" -f /bin/sh ${args.map(quoted).join(' ')}`,
    '',
  ].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
