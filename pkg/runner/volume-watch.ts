import type { NewCondition } from '../api/index.ts';
import { formatBytes } from '../api/index.ts';
import { type Clock, errorMessage, type Logger, type Timer } from '../base/index.ts';
import { withDeadline } from './deadline.ts';
import type { Volume, VolumeParts, VolumeSpace } from './seams.ts';

const lookEveryMs = 10_000;
/** A server of shared directories that is away keeps whoever asks waiting for ever. */
const answerWithinMs = 10_000;
const defaultFree = { share: 0.05, mostBytes: 2 ** 30 };
/** So much more than the least has to be free again: at the limit itself it would come and go. */
const recovered = 1.25;
const leastFiles = { share: 0.01, most: 10_000 };

const conditionOf: Record<Volume['use'], string> = {
  state: 'DiskPressure',
  temp: 'DiskPressure',
  logs: 'LogVolumePressure',
  engine: 'EngineVolumePressure',
};

interface Trouble {
  reason: 'NoRoom' | 'NoFilesLeft' | 'VolumeHangs' | 'VolumeUnusable';
  message: string;
}

export interface VolumeWatchParts {
  volumes: VolumeParts | undefined;
  /** Those of runtimes, as far as they have told. */
  engines: () => readonly Volume[];
  clock: Clock;
  logger: Logger;
  /** The conditions are not as they were. */
  onChange: () => void;
}

/** Whether there is room where the runner and its Runs write: while there is none, the host binds nothing new here. */
export class VolumeWatch {
  readonly #parts: VolumeWatchParts;
  readonly #troubles = new Map<string, { use: Volume['use']; trouble: Trouble | undefined }>();
  /** Looks that have not been answered: one that hangs is not asked again and again. */
  readonly #pending = new Map<string, Promise<VolumeSpace>>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(parts: VolumeWatchParts) {
    this.#parts = parts;
  }

  start(): void {
    if (this.#parts.volumes) void this.#look();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  /** Nothing before the first look. */
  conditions(): NewCondition[] {
    const looked = [...this.#troubles.values()];
    const types = [...new Set(looked.map(({ use }) => conditionOf[use]))];
    return types.map((type) => {
      const troubles = looked.flatMap(({ use, trouble }) =>
        conditionOf[use] === type && trouble ? [trouble] : [],
      );
      const [first] = troubles;
      if (!first) return { type, status: 'False', reason: 'RoomLeft', message: 'There is room.' };
      const message = [...new Set(troubles.map((trouble) => trouble.message))].join(' ');
      return { type, status: 'True', reason: first.reason, message };
    });
  }

  async #look(): Promise<void> {
    const { volumes, engines, clock, logger, onChange } = this.#parts;
    const before = JSON.stringify(this.conditions());
    await Promise.all([...(volumes?.list ?? []), ...engines()].map((volume) => this.#lookAt(volume)));
    if (this.#closed) return;
    const now = this.conditions();
    if (JSON.stringify(now) !== before) {
      onChange();
      for (const { type, status, message } of now)
        if (status === 'True') logger.warn('a volume of this machine has no room', { type, message });
    }
    this.#timer = clock.after(lookEveryMs, () => void this.#look());
  }

  async #lookAt(volume: Volume): Promise<void> {
    const trouble = await this.#ask(volume).then(
      (space) => this.#judge(volume, space),
      (error: unknown): Trouble => unusable(volume, error),
    );
    if (!this.#closed) this.#troubles.set(keyOf(volume), { use: volume.use, trouble });
  }

  async #ask(volume: Volume): Promise<VolumeSpace> {
    const { volumes, clock } = this.#parts;
    const key = keyOf(volume);
    const asked = this.#pending.get(key) ?? volumes?.space(volume.path);
    if (!asked) throw new Error('nobody can tell');
    this.#pending.set(key, asked);
    const answered = () => this.#pending.delete(key);
    asked.then(answered, answered);
    return withDeadline(clock, answerWithinMs, asked);
  }

  #judge(volume: Volume, { size, free, files, freeFiles }: VolumeSpace): Trouble | undefined {
    const { share, mostBytes } = defaultFree;
    const least = this.#parts.volumes?.minFreeBytes ?? Math.min(size * share, mostBytes);
    const factor = this.#troubles.get(keyOf(volume))?.trouble ? recovered : 1;
    const where = `on the volume of ${volume.path}`;
    if (free < least * factor)
      return {
        reason: 'NoRoom',
        message: `Less than ${formatBytes(Math.round(least))} is free ${where}: free some, no new runs come until then.`,
      };
    // File systems without a fixed number of files say 0.
    if (files > 0 && freeFiles < Math.min(files * leastFiles.share, leastFiles.most) * factor)
      return {
        reason: 'NoFilesLeft',
        message: `There is hardly room for more files ${where}: remove some, no new runs come until then.`,
      };
    return undefined;
  }
}

function keyOf({ use, path }: Volume): string {
  return `${use} ${path}`;
}

function unusable({ path }: Volume, error: unknown): Trouble {
  if (error instanceof Error && 'code' in error && error.code === 'Timeout')
    return { reason: 'VolumeHangs', message: `The volume of ${path} does not answer.` };
  return {
    reason: 'VolumeUnusable',
    message: `The volume of ${path} cannot be used: ${errorMessage(error)}.`,
  };
}
