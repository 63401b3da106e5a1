import { type ApiObject, type Environment, environmentCycle, refuseInvalid } from '../../api/index.ts';
import type { WriteSession } from './session.ts';

/** Nothing that is built from itself is ever built. Raises `Invalid` with the way around. */
export function checkEnvironmentCycle({ transaction }: WriteSession, object: ApiObject): void {
  const { metadata, spec } = object as Environment;
  const name = metadata.name ?? '';
  const stored = (each: string) =>
    transaction.get('Environment', '', each)?.object as Environment | undefined;
  const cycle = environmentCycle(
    name,
    (each) => (each === name ? spec : stored(each)?.spec)?.from.environment,
  );
  if (!cycle) return;
  const message = `it would be built from itself: ${cycle.join(' → ')}`;
  refuseInvalid('Environment', name, [
    { field: 'spec.from.environment', message, reason: 'FieldValueInvalid' },
  ]);
}
