import { createReadStream } from 'node:fs';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { hasCode, RiverError } from '../base/index.ts';
import { EngineFailure, engineError, hostEngine, isRefusal } from './errors.ts';

const socketPath = '/nowhere/docker.sock';

async function failureOf(stream: NodeJS.EventEmitter): Promise<unknown> {
  return new Promise((resolve) => stream.once('error', resolve));
}

test('an engine that is not there does not answer; it is tried again', async () => {
  const error = engineError(await failureOf(request({ socketPath }).end()), socketPath, hostEngine);
  expect(hasCode(error, 'ServiceUnavailable')).toBe(true);
  expect(String(error)).toContain(`at ${socketPath} does not answer (connect ENOENT`);
});

test('a mistake in this program, and a file of the host, are not put down to the engine', async () => {
  const mistake = new TypeError('found.map is not a function');
  expect(engineError(mistake, socketPath, hostEngine)).toBe(mistake);
  const missing = await failureOf(createReadStream('/nowhere/file'));
  expect(engineError(missing, socketPath, hostEngine)).toBe(missing);
  const own = new RiverError('Invalid', 'it is none');
  expect(engineError(own, socketPath, hostEngine)).toBe(own);
});

test.each([
  [Object.assign(new Error('(HTTP code 409) conflict - it is used '), { statusCode: 409 }), 'BadRequest'],
  [Object.assign(new Error('(HTTP code 500) server error - no '), { statusCode: 500 }), 'ServiceUnavailable'],
  [new EngineFailure('invalid diffID for layer 1'), 'BadRequest'],
  [new EngineFailure('write /x: no space left on device'), 'ServiceUnavailable'],
] as const)('%s is a refusal: %s', (said, code) => {
  expect(isRefusal(said)).toBe(true);
  const error = engineError(said, socketPath, hostEngine);
  expect(hasCode(error, code)).toBe(true);
  expect(String(error)).toMatch(/the Docker Engine of the host refused: \S.*\S$/);
});

test('what ends in the middle of an answer is none', async () => {
  const stream = new Readable({ read() {} });
  const ended = failureOf(stream);
  stream.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
  expect(hasCode(engineError(await ended, socketPath, hostEngine), 'ServiceUnavailable')).toBe(true);
});

test('what the engine says is put down to the engine that people know by name', () => {
  const gone = Object.assign(new Error('connect ENOENT'), { syscall: 'connect', code: 'ENOENT' });
  expect(String(engineError(gone, socketPath))).toContain(
    `The Docker Engine at ${socketPath} does not answer`,
  );
  expect(String(engineError(gone, socketPath, hostEngine))).toContain(`the Docker Engine of the host at`);
});
