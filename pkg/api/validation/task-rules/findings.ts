import { hasCode } from '../../../base/index.ts';
import type { TaskSpec } from '../../types.gen.ts';
import type { Finding } from '../finding.ts';

export type Path = Finding['path'];

export const invalid = (path: Path, message: string): Finding => ({
  path: ['spec', ...path],
  message,
  reason: 'FieldValueInvalid',
});
export const forbidden = (path: Path, message: string): Finding => ({
  path: ['spec', ...path],
  message,
  reason: 'FieldValueForbidden',
});
export const required = (path: Path, message: string): Finding => ({
  path: ['spec', ...path],
  message,
  reason: 'FieldValueRequired',
});

/** The finding of a parser that raises `Invalid`, or of a check that answers with a problem. */
export function tried(path: Path, check: () => unknown): Finding[] {
  try {
    const problem = check();
    return typeof problem === 'string' ? [invalid(path, problem)] : [];
  } catch (error) {
    if (hasCode(error, 'Invalid')) return [invalid(path, error.message)];
    throw error;
  }
}

export const hasImage = (spec: TaskSpec) => spec.image !== undefined || spec.environment !== undefined;

/** Docker when nothing else is said and there is an image; undefined where the host's defaults decide. */
export function knownRuntime(spec: TaskSpec): TaskSpec['runtime'] {
  return spec.runtime ?? (hasImage(spec) ? 'docker' : undefined);
}
