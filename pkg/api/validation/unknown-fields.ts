import type { Run } from '../types.gen.ts';
import { commonSchema, schemas } from './schema-validator.ts';

const { RunSpec, Placement } = schemas.Run.definitions;
const { Resources } = commonSchema.definitions;

/**
 * What a newer host asks of the execution that this River does not know, as in `spec.placement.gpus`. Readers ignore what
 * they do not know everywhere else; a program must not be run without what it was promised.
 */
export function unknownRunFields({ spec }: Run): string[] {
  return [
    ...unknown('spec', spec, RunSpec.properties),
    ...unknown('spec.placement', spec.placement ?? {}, Placement.properties),
    ...unknown('spec.resources', spec.resources ?? {}, Resources.properties),
  ];
}

function unknown(path: string, found: object, known: object): string[] {
  return Object.keys(found).flatMap((field) => (Object.hasOwn(known, field) ? [] : [`${path}.${field}`]));
}
