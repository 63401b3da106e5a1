import type { ErrorCause } from '../../base/index.ts';
import { type FieldPath, formatField } from './field-path.ts';

/** The reasons of Kubernetes' causes that are used here. */
export type FindingReason =
  | 'FieldValueInvalid'
  | 'FieldValueRequired'
  | 'FieldValueForbidden'
  | 'FieldValueNotSupported'
  | 'FieldValueDuplicate'
  | 'FieldValueTypeInvalid';

/** Something wrong with one field. `message` is the rest of a sentence that begins with the field. */
export interface Finding {
  path: FieldPath;
  message: string;
  reason: FindingReason;
  /** For an unknown field: the one beside it that was probably meant. */
  meant?: string;
}

export function toCause({ path, message, reason }: Finding): ErrorCause {
  return { field: formatField(path), message, reason };
}
