import type { Logger } from './logger.ts';

const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LevelLogger extends Logger {
  /** For this logger and all of its children, those that exist included. */
  setLevel(level: LogLevel): void;
}

/** Lets through what is at the level or above it; `inner` must let everything through itself. */
export function levelLogger(inner: Logger, level: LogLevel): LevelLogger {
  let threshold = logLevels.indexOf(level);
  const gate = (logger: Logger): Logger => ({
    debug: (message, fields) => threshold <= 0 && logger.debug(message, fields),
    info: (message, fields) => threshold <= 1 && logger.info(message, fields),
    warn: (message, fields) => threshold <= 2 && logger.warn(message, fields),
    error: (message, fields) => threshold <= 3 && logger.error(message, fields),
    child: (fields) => gate(logger.child(fields)),
  });
  return {
    ...gate(inner),
    setLevel: (next) => {
      threshold = logLevels.indexOf(next);
    },
  };
}
