import type { FastifyInstance, FastifyRequest } from 'fastify';
import { apiVersion } from '../../../api/index.ts';
import { RiverError } from '../../../base/index.ts';
import type { UploadState } from '../../../client/index.ts';
import { flagOf, numberOf, queryOf } from '../queries.ts';
import type { RouteContext } from '../route-context.ts';

/** Twice what our own client sends: a part is held in memory until it is written. */
const partLimit = 8 * 1024 * 1024;

/** What `copy` steps take, by its hash. */
export interface UploadStore {
  state(sha256: string): Promise<UploadState>;
  append(sha256: string, part: { offset: number; bytes: Uint8Array; last: boolean }): Promise<UploadState>;
}

/** For admins: what the copy steps of Environments take, sent in parts before the Environment is written. */
export function uploadRoutes({ uploads }: RouteContext) {
  return async (app: FastifyInstance) => {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    const path = `/apis/${apiVersion}/uploads/:sha256`;
    app.get(path, async (request) => uploads.state(hashIn(request)));
    app.put(path, { bodyLimit: partLimit }, async (request) => {
      const sha256 = hashIn(request);
      const { offset, last } = queryOf(request);
      const bytes = request.body instanceof Uint8Array ? request.body : new Uint8Array();
      return uploads.append(sha256, { offset: numberOf('offset', offset) ?? 0, bytes, last: flagOf(last) });
    });
  };
}

/** It becomes the name of a file. */
function hashIn({ identity: { role, name }, params }: FastifyRequest): string {
  if (role !== 'admin') throw new RiverError('Forbidden', `${role} ${name} may not send files to the host`);
  const { sha256 } = params as { sha256: string };
  if (!/^[0-9a-f]{64}$/.test(sha256))
    throw new RiverError('BadRequest', 'uploads are named by their sha256: 64 digits');
  return sha256;
}
