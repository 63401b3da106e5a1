import jsonPatch, { type Operation } from 'fast-json-patch';
import type { ApiObject } from '../../api/index.ts';
import { errorMessage, RiverError } from '../../base/index.ts';

const operationLimit = 10_000;
/** `copy` doubles a value that it puts into itself: forty of them would fill any memory. Characters of JSON, all copies together. */
const copiedLimit = 1024 * 1024;

/** RFC 6902. Pure: `target` is not changed. Raises `BadRequest` for what is no patch, `Invalid` for one that does not apply. */
export function applyJsonPatch(target: ApiObject, operations: unknown): ApiObject {
  if (!Array.isArray(operations)) {
    throw new RiverError('BadRequest', 'A JSON patch is a list of operations: send [{"op": …, "path": …}].');
  }
  if (operations.length > operationLimit) {
    throw new RiverError(
      'RequestEntityTooLarge',
      `A JSON patch may have at most ${operationLimit} operations.`,
    );
  }
  try {
    return applyAll(structuredClone(target), structuredClone(operations));
  } catch (error) {
    if (error instanceof RiverError) throw error;
    throw new RiverError('Invalid', `The JSON patch does not apply: ${errorMessage(error).split('\n')[0]}`);
  }
}

function applyAll(target: ApiObject, operations: Operation[]): ApiObject {
  let document = target;
  let copied = 0;
  for (const [index, operation] of operations.entries()) {
    if (operation?.op === 'copy') {
      copied += sizeOf(document, operation.from);
      if (copied > copiedLimit)
        throw new RiverError('RequestEntityTooLarge', 'The copies in the JSON patch are too large together.');
    }
    document = jsonPatch.applyOperation(document, operation, true, true, true, index).newDocument;
  }
  return document;
}

function sizeOf(document: ApiObject, pointer: string): number {
  const value: unknown = jsonPatch.getValueByPointer(document, pointer);
  return value === undefined ? 0 : JSON.stringify(value).length;
}
