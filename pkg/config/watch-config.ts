import { type ConfigSource, loadConfig } from './load-config.ts';
import { type ConfigChange, compareSettings } from './reload.ts';
import type { ConfigKind, Settings } from './settings.ts';

export interface ConfigWatchHandler<K extends ConfigKind> {
  /** The file differs from what the process works with; not called when it says the same in other words. */
  changed(change: ConfigChange<K>): void;
  /** The file is bad now: the running settings stay. */
  failed(error: unknown): void;
}

/** Watches the file of `source` until `close`. `running` is what the process was started with. */
export async function watchConfig<K extends ConfigKind>(
  kind: K,
  source: ConfigSource & { file: string },
  running: Settings[K],
  handler: ConfigWatchHandler<K>,
): Promise<{ close(): Promise<void> }> {
  const { watch } = await import('chokidar');
  let current = running;
  const look = () => {
    try {
      const change = compareSettings(kind, current, loadConfig(kind, source));
      current = change.settings;
      if (change.live.length > 0 || change.restart.length > 0) handler.changed(change);
    } catch (error) {
      handler.failed(error);
    }
  };
  // An editor may write in steps: only a file that has come to rest is read.
  const watcher = watch(source.file, {
    ignoreInitial: true,
    awaitWriteFinish: { stabilityThreshold: 200, pollInterval: 50 },
  });
  watcher
    .on('add', look)
    .on('change', look)
    .on('unlink', look)
    .on('error', (error) => handler.failed(error));
  await new Promise<void>((resolve) => watcher.once('ready', () => resolve()));
  return { close: () => watcher.close() };
}
