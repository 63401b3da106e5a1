export type LogFields = Record<string, unknown>;

/**
 * Structured logging. Messages are constant strings; what varies goes into fields, so that a log can be
 * counted and searched. Never log tokens, environment values or file contents.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
