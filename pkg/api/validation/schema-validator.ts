import { createRequire } from 'node:module';
import type { ErrorObject, ValidateFunction } from 'ajv';
import commonSchema from '../../../schemas/common.json' with { type: 'json' };
import environment from '../../../schemas/environment.json' with { type: 'json' };
import event from '../../../schemas/event.json' with { type: 'json' };
import host from '../../../schemas/host.json' with { type: 'json' };
import node from '../../../schemas/node.json' with { type: 'json' };
import run from '../../../schemas/run.json' with { type: 'json' };
import runner from '../../../schemas/runner.json' with { type: 'json' };
import task from '../../../schemas/task.json' with { type: 'json' };
import usage from '../../../schemas/usage.json' with { type: 'json' };
import { lazy } from '../../base/index.ts';

export { commonSchema };

export const schemas = {
  Task: task,
  Run: run,
  Node: node,
  Environment: environment,
  Event: event,
  Usage: usage,
  HostConfig: host,
  RunnerConfig: runner,
};

/** A kind or a configuration file; its type is made from its schema. */
export type SchemaName = keyof typeof schemas;

function compileAll(allErrors: boolean): Record<SchemaName, ValidateFunction> {
  // Most commands validate nothing: loading and compiling are left for the first that does.
  const { Ajv } = createRequire(import.meta.url)('ajv') as typeof import('ajv');
  const ajv = new Ajv({
    allErrors,
    verbose: true,
    strict: true,
    strictTypes: false,
    schemas: [commonSchema, environment],
  });
  const compiled: Partial<Record<SchemaName, ValidateFunction>> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    // Compiled by Ajv itself at its first use.
    let validate: ValidateFunction | undefined;
    Object.defineProperty(compiled, name, { get: () => (validate ??= ajv.compile(schema)) });
  }
  return compiled as Record<SchemaName, ValidateFunction>;
}

const thorough = lazy(() => compileAll(true));
const hasty = lazy(() => compileAll(false));

/** A value of more parts than this may have more faults than anybody reads, and telling them all would take minutes. */
const partLimit = 5000;

function hasMoreParts(value: unknown, limit: number): boolean {
  let parts = 0;
  const rest = [value];
  while (rest.length > 0) {
    const next = rest.pop();
    if (typeof next !== 'object' || next === null) continue;
    const members = Object.values(next);
    parts += members.length;
    if (parts > limit) return true;
    for (const member of members) rest.push(member);
  }
  return false;
}

/** What Ajv says about the value; all errors (of a very large value the first), none for a valid value. */
export function schemaErrors(name: SchemaName, value: unknown): ErrorObject[] {
  const validate = (hasMoreParts(value, partLimit) ? hasty : thorough)()[name];
  return validate(value) ? [] : [...(validate.errors ?? [])];
}
