import type { LogFields, Logger } from '../../pkg/base/index.ts';
import type { Incarnation } from './incarnation.ts';

/** Logs go into the trace, so that they are part of what a seed must repeat. Debug lines are left out. */
export function simLogger(life: Incarnation, more: LogFields = {}): Logger {
  const line = (level: string) => (message: string, fields?: LogFields) => {
    if (life.alive)
      life.world.trace(life.name, `${level}: ${message}`, JSON.stringify({ ...more, ...fields }, plain));
  };
  return {
    debug: () => {},
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: (fields) => simLogger(life, { ...more, ...fields }),
  };
}

function plain(_key: string, value: unknown): unknown {
  return value instanceof Error ? value.message : value;
}
