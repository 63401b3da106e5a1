import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { realClock, realRng, silentLogger } from '../../base/index.ts';
import { EngineAccess } from './access.ts';

let folder: string;
let socketPath: string;
let server: Server;
let counted: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'river-access-'));
  socketPath = join(folder, 'docker.sock');
  server = createServer();
  counted = [];
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function accessOf(answerWithinMs?: number): EngineAccess {
  return new EngineAccess({
    options: {
      ...{ socketPath, stateDir: folder, clusterUid: 'c', answerWithinMs, isRoot: false },
      ...{ clock: realClock, rng: realRng, logger: silentLogger, bootId: () => 'b' },
      count: (event) => void counted.push(event),
    },
    onReached: async () => {},
    onAway: () => {},
  });
}

test('an engine that is away or hangs is waited for, and counted', async () => {
  const waited = { code: 'ServiceUnavailable', transient: true };
  await expect(accessOf().call(async () => 'reached')).rejects.toMatchObject(waited);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  await expect(accessOf(50).call(async () => 'reached')).rejects.toMatchObject(waited);
  expect(counted).toEqual(['engine_unanswered', 'engine_unanswered']);
});

test('a mistake in this program is not put down to an engine that answers', async () => {
  server.on('request', (_request, response) =>
    response.setHeader('content-type', 'application/json').end('{}'),
  );
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const mistake = new TypeError('found.map is not a function');
  const call = accessOf().call(async () => {
    throw mistake;
  });
  await expect(call).rejects.toBe(mistake);
  expect(counted).toEqual([]);
});
