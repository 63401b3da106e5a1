import { expect, test } from 'vitest';
import { compareSettings } from './reload.ts';
import { hostSettings } from './settings.ts';

const running = hostSettings({});

test('nothing changed', () => {
  expect(compareSettings('host', running, hostSettings({}))).toEqual({
    settings: running,
    live: [],
    restart: [],
  });
});

test('live settings are taken over, the others wait', () => {
  const wanted = hostSettings({
    logLevel: 'debug',
    stateDir: '/x',
    sharedDir: '/d',
    defaults: { mounts: ['/a:/b'] },
  });
  const change = compareSettings('host', running, wanted);
  expect(change.live).toEqual(['logLevel', 'defaults']);
  expect(change.restart).toEqual(['stateDir', 'sharedDir']);
  expect(change.settings).toEqual({ ...running, logLevel: 'debug', defaults: wanted.defaults });
});
