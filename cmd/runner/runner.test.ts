import { expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import { loadConfig } from '../../pkg/config/index.ts';
import { EnvironmentDirectory } from '../../pkg/runner/index.ts';
import { startRunner } from './runner.ts';

test('a state directory that cannot be made or written is told in one sentence', () => {
  const content = {
    host: 'https://127.0.0.1:1',
    name: 'n1',
    stateDir: '/dev/null/river',
  };
  const settings = loadConfig('runner', {
    file: 'runner.yaml',
    env: {},
    readText: () => JSON.stringify(content),
    hostname: 'n1',
  });
  const seams = { clock: realClock, rng: realRng, logger: silentLogger, version: '1' };
  const client = {} as Client;
  const environments = () => new EnvironmentDirectory('/nowhere');
  expect(() => startRunner({ ...seams, settings, client, environments, onEnded: () => {} })).toThrow(
    /^the runner cannot use its state directory \/dev\/null\/river \(.*\): it must be writable/,
  );
});
