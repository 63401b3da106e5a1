import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import type { Client } from '../../pkg/client/index.ts';
import { loadConfig } from '../../pkg/config/index.ts';
import { EnvironmentDirectory } from '../../pkg/runner/index.ts';
import { lockDirectory } from '../../pkg/store/index.ts';
import { startRunner } from './runner.ts';

function start(stateDir: string) {
  const content = { host: 'https://127.0.0.1:1', name: 'n1', stateDir };
  const settings = loadConfig('runner', {
    file: 'runner.yaml',
    env: {},
    readText: () => JSON.stringify(content),
    hostname: 'n1',
  });
  const seams = { clock: realClock, rng: realRng, logger: silentLogger, version: '1' };
  const client = {} as Client;
  const environments = () => new EnvironmentDirectory('/nowhere');
  return startRunner({ ...seams, settings, client, environments, onEnded: () => {} });
}

test('a state directory that cannot be made or written is told in one sentence', () => {
  expect(() => start('/dev/null/river')).toThrow(
    /^the runner cannot use its state directory \/dev\/null\/river \(.*\): it must be writable/,
  );
});

test('a state directory that another runner uses is refused', () => {
  const folder = mkdtempSync(join(tmpdir(), 'river-runner-'));
  const other = lockDirectory(folder, 'runner.lock');
  try {
    expect(() => start(folder)).toThrow(
      `State directory ${folder} is in use by another river process (pid ${process.pid})`,
    );
  } finally {
    other.release();
    rmSync(folder, { recursive: true });
  }
});
