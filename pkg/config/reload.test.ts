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
    defaults: { mounts: ['/a:/b'], environment: { name: 'py', spec: { from: { image: 'python:3' } } } },
  });
  const change = compareSettings('host', running, wanted);
  expect(change.live).toEqual(['logLevel', 'defaults', 'defaultEnvironment']);
  expect(change.restart).toEqual(['stateDir', 'sharedDir']);
  const { defaults, defaultEnvironment } = wanted;
  expect(change.settings).toEqual({ ...running, logLevel: 'debug', defaults, defaultEnvironment });
});
