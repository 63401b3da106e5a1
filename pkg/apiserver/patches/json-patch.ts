import jsonPatch from 'fast-json-patch';
import type { ApiObject } from '../../api/index.ts';
import { errorMessage, RiverError } from '../../base/index.ts';

/** RFC 6902. Pure: `target` is not changed. Raises `BadRequest` for what is no patch, `Invalid` for one that does not apply. */
export function applyJsonPatch(target: ApiObject, operations: unknown): ApiObject {
  if (!Array.isArray(operations)) {
    throw new RiverError('BadRequest', 'A JSON patch is a list of operations: send [{"op": …, "path": …}].');
  }
  if (operations.length > 10_000) {
    throw new RiverError('RequestEntityTooLarge', 'A JSON patch may have at most 10,000 operations.');
  }
  try {
    return jsonPatch.applyPatch(structuredClone(target), structuredClone(operations), true, true).newDocument;
  } catch (error) {
    throw new RiverError('Invalid', `The JSON patch does not apply: ${errorMessage(error).split('\n')[0]}`);
  }
}
