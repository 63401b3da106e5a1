import pino from 'pino';
import type { LogFields, Logger } from './logger.ts';

function wrap(inner: pino.Logger): Logger {
  return {
    debug: (message, fields: LogFields = {}) => inner.debug(fields, message),
    info: (message, fields: LogFields = {}) => inner.info(fields, message),
    warn: (message, fields: LogFields = {}) => inner.warn(fields, message),
    error: (message, fields: LogFields = {}) => inner.error(fields, message),
    child: (fields) => wrap(inner.child(fields)),
  };
}

/** JSON lines on standard error (standard output belongs to commands). Level: debug, info, warn, error or silent. */
export function pinoLogger(level: string): Logger {
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        serializers: { error: pino.stdSerializers.err },
      },
      pino.destination(2),
    ),
  );
}
