import { ManifestError, parseManifest, type SchemaField, schemaFields, suggestion } from '../api/index.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigKind } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export const schemaNames = { host: 'HostConfig', runner: 'RunnerConfig' } as const;
const prefixes: Readonly<Record<ConfigKind, string>> = { host: 'RIVER_HOST_', runner: 'RIVER_RUNNER_' };

/** `listen.port` → RIVER_HOST_LISTEN_PORT. */
export function variableOf(kind: ConfigKind, path: readonly (string | number)[]): string {
  const words = path.map((part) => String(part).replaceAll(/[A-Z]/g, '_$&').toUpperCase());
  return prefixes[kind] + words.join('_');
}

function setAt(
  target: Record<string, unknown>,
  path: readonly string[],
  value: unknown,
): Record<string, unknown> {
  const [key = '', ...rest] = path;
  if (rest.length === 0) return { ...target, [key]: value };
  const inner = target[key];
  const next = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : {};
  return { ...target, [key]: setAt(next, rest, value) };
}

export interface Overridden {
  config: Record<string, unknown>;
  /** Variable for each path that came from one; keys as `variableOf` makes them. */
  variables: ReadonlySet<string>;
  problems: ConfigProblem[];
}

/** Text is taken as it is; everything else is read as YAML. */
function readValue(field: SchemaField, text: string, variable: string): unknown {
  return field.isText ? text : parseManifest(text, variable)[0]?.object;
}

/** The configuration with what the variables say in its place. An empty variable counts as not set. */
export function applyEnvironment(
  kind: ConfigKind,
  config: Record<string, unknown>,
  env: Environment,
): Overridden {
  const fields = schemaFields(schemaNames[kind]);
  const byVariable = new Map(fields.map((field) => [variableOf(kind, field.path), field]));
  const variables = new Set<string>();
  const problems: ConfigProblem[] = [];
  let merged = config;
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(prefixes[kind]) || !text) continue;
    const field = byVariable.get(variable);
    if (!field) {
      problems.push({
        source: variable,
        field: '',
        message: `this variable names no field${suggestion(variable, byVariable.keys())}`,
      });
      continue;
    }
    try {
      merged = setAt(merged, field.path, readValue(field, text, variable));
      variables.add(variable);
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      problems.push(
        ...error.problems.map(({ message }) => ({ source: variable, field: field.path.join('.'), message })),
      );
    }
  }
  return { config: merged, variables, problems };
}
