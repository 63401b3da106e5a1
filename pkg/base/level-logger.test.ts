import { expect, test } from 'vitest';
import { levelLogger } from './level-logger.ts';
import type { Logger } from './logger.ts';

function recorder(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const make = (prefix: string): Logger => ({
    debug: (message) => lines.push(`${prefix}debug ${message}`),
    info: (message) => lines.push(`${prefix}info ${message}`),
    warn: (message) => lines.push(`${prefix}warn ${message}`),
    error: (message) => lines.push(`${prefix}error ${message}`),
    child: () => make('child '),
  });
  return { logger: make(''), lines };
}

test('the level holds for children too, also for those made before it changed', () => {
  const { logger, lines } = recorder();
  const levelled = levelLogger(logger, 'warn');
  const child = levelled.child({});
  const all = () => {
    for (const each of [levelled, child]) {
      each.debug('m');
      each.info('m');
      each.warn('m');
      each.error('m');
    }
    return lines.splice(0);
  };
  expect(all()).toEqual(['warn m', 'error m', 'child warn m', 'child error m']);
  levelled.setLevel('debug');
  expect(all()).toHaveLength(8);
  levelled.setLevel('silent');
  expect(all()).toEqual([]);
});
