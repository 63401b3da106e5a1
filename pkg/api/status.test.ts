import { expect, test } from 'vitest';
import { type ErrorCode, errorCatalogue, RiverError } from '../base/index.ts';
import { fromStatus, toStatus } from './status.ts';

test('every error survives the wire', () => {
  for (const code of Object.keys(errorCatalogue) as ErrorCode[]) {
    const details = {
      kind: 'Task',
      name: 'a',
      causes: [{ field: 'spec', message: 'm', reason: 'r' }, { message: 'n' }],
      retryAfterSeconds: 2,
    };
    const error = fromStatus(JSON.parse(JSON.stringify(toStatus(new RiverError(code, 'why', details)))), 0);
    expect({ code: error.code, message: error.message, details: error.details }).toEqual({
      code,
      message: 'why',
      details,
    });
  }
});

test('the form is that of Kubernetes', () => {
  expect(
    toStatus(new RiverError('NotFound', 'tasks.river.dev "a" not found', { kind: 'Task', name: 'a' })),
  ).toEqual({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: 'tasks.river.dev "a" not found',
    reason: 'NotFound',
    details: { group: 'river.dev', kind: 'Task', name: 'a' },
    code: 404,
  });
});

test('what was not raised on purpose is not told', () => {
  expect(toStatus(new Error('/secret/path'))).toMatchObject({
    code: 500,
    message: 'the host failed inside; its log says more',
  });
});

test.each([
  ['<html>', 502, 'InternalError'],
  [undefined, 503, 'ServiceUnavailable'],
  [{ kind: 'Status', reason: 'Weird', message: 'm' }, 409, 'Conflict'],
  [{ kind: 'Status', details: 5 }, 404, 'NotFound'],
  [{ kind: 'Status', reason: 'toString' }, 401, 'Unauthorized'],
])('an answer %j of HTTP %d is %s', (body, status, code) => {
  expect(fromStatus(body, status).code).toBe(code);
});
