import { type Kind, resources } from '../../api/index.ts';
import { RiverError } from '../../base/index.ts';

function qualified(kind: Kind, name: string): string {
  return `${resources[kind].plural}.river.dev "${name}"`;
}

export function notFound(kind: Kind, name: string): RiverError {
  return new RiverError('NotFound', `${qualified(kind, name)} not found`, {
    kind: resources[kind].plural,
    name,
  });
}

export function invalidField(kind: Kind, name: string, field: string, message: string): RiverError {
  return new RiverError('Invalid', `${qualified(kind, name)} is invalid: ${field}: ${message}`, {
    kind: resources[kind].plural,
    name,
    causes: [{ reason: 'FieldValueInvalid', field, message }],
  });
}

export function conflict(kind: Kind, name: string, why: string): RiverError {
  return new RiverError('Conflict', `${qualified(kind, name)}: ${why}`, {
    kind: resources[kind].plural,
    name,
  });
}
