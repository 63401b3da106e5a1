import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RiverError } from '../../pkg/base/index.ts';
import type { Execution, ExecutionSpec, Executor } from '../../pkg/executor/index.ts';
import { eventually, makeSpec, untilExited } from '../integration/executor-parts.ts';
import { type ExecutorSetting, openExecutor } from './executor-setting.ts';

/** In the environment of everything that a run starts, wherever that goes. */
const mark = 'RIVER_TEST_RUN';

/** One executor under test, in as many hands as a test needs, and the runs of that test. */
export class ExecutorTrial {
  readonly setting: ExecutorSetting;
  readonly #opened: Executor[] = [];
  #count = 0;

  constructor(setting: ExecutorSetting) {
    this.setting = setting;
  }

  /** As a runner does at each of its starts. */
  open(bootId?: string): Executor {
    const executor = openExecutor(this.setting, { bootId });
    this.#opened.push(executor);
    return executor;
  }

  spec(more: Partial<ExecutionSpec>): ExecutionSpec {
    const { kind, folder, clusterUid, image } = this.setting;
    const runUid = `${kind}-${this.#count++}`;
    const runtime = kind === 'plain' ? 'process' : kind;
    const docker = kind === 'docker' ? { image, mounts: [mountOf(folder)] } : {};
    const env = { ...more.env, [mark]: `${clusterUid}-${runUid}` };
    return makeSpec(folder, runUid, { clusterUid, runtime, ...docker, ...more, env });
  }

  shell(text: string, more: Partial<ExecutionSpec> = {}): ExecutionSpec {
    return this.spec({ command: ['/bin/sh', '-c', text], ...more });
  }

  /** Asks again, as a runner does, while the machine is busy with what a killed one has asked for. */
  start(executor: Executor, spec: ExecutionSpec): Promise<Execution> {
    return eventually('a start that is answered', () =>
      executor.start(spec).catch((error: unknown) => {
        if (error instanceof RiverError && error.transient) return undefined;
        throw error;
      }),
    );
  }

  async finish(executor: Executor, spec: ExecutionSpec): Promise<Execution> {
    await this.start(executor, spec);
    return untilExited(executor, spec.runUid);
  }

  /** A runner that starts it, in a process of its own. */
  child(spec: ExecutionSpec): ChildProcess {
    const program = join(import.meta.dirname, 'executor-child.ts');
    const args = [program, JSON.stringify(this.setting), JSON.stringify(spec)];
    return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  }

  written(spec: ExecutionSpec): string {
    return existsSync(spec.outPath) ? readFileSync(spec.outPath, 'utf8') : '';
  }

  says(spec: ExecutionSpec, text: string, since = 0): Promise<boolean> {
    return eventually(`the output has ${text}`, async () => this.written(spec).slice(since).includes(text));
  }

  /** Everything of it that lives, but for what the executor itself has beside it. */
  processes(spec: ExecutionSpec): number[] {
    const own = `${mark}=${spec.env[mark]}`;
    return readdirSync('/proc')
      .map(Number)
      .filter((pid) => pid > 0 && words(pid, 'environ').includes(own))
      .filter((pid) => !words(pid, 'cmdline').includes('river-process'));
  }

  /** Time that each of them has spent on a CPU, in ticks. */
  ticks(spec: ExecutionSpec): Record<number, string> {
    const entries = this.processes(spec).map((pid) => {
      const stat = read(pid, 'stat').split(') ')[1] ?? '';
      return [pid, stat.split(' ').slice(11, 13).join(' ')];
    });
    return Object.fromEntries(entries);
  }

  /** Ends everything, and looks whether something stays. */
  async close(): Promise<void> {
    const last = this.open();
    for (const { runUid } of await last.list()) {
      await last.stop(runUid, 0);
      await last.remove(runUid);
    }
    for (const executor of this.#opened) await executor.close();
  }
}

/** For signs of the test to programs that see no files of the machine. */
function mountOf(folder: string) {
  return { source: folder, target: folder, readOnly: true };
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

const words = (pid: number, file: string) => read(pid, file).split('\0');
