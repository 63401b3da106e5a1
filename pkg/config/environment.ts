import common from '../../schemas/common.json' with { type: 'json' };
import host from '../../schemas/host.json' with { type: 'json' };
import runner from '../../schemas/runner.json' with { type: 'json' };
import { ManifestError, parseManifest, suggestion } from '../api/index.ts';
import type { ConfigProblem } from './config-error.ts';
import type { ConfigKind } from './settings.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

interface SchemaPart {
  $ref?: string;
  type?: string;
  anyOf?: unknown;
  properties?: Record<string, SchemaPart>;
  definitions?: Record<string, SchemaPart>;
}

const schemas: Readonly<Record<ConfigKind, SchemaPart>> = { host, runner };
const commonParts = common as SchemaPart;

const prefixes: Readonly<Record<ConfigKind, string>> = { host: 'RIVER_HOST_', runner: 'RIVER_RUNNER_' };

/** `listen.port` → RIVER_HOST_LISTEN_PORT. */
export function variableOf(kind: ConfigKind, path: readonly (string | number)[]): string {
  const words = path.map((part) => String(part).replaceAll(/[A-Z]/g, '_$&').toUpperCase());
  return prefixes[kind] + words.join('_');
}

interface Leaf {
  path: string[];
  /** Text is taken as it is; everything else is read as YAML. */
  isText: boolean;
}

/** The fields that have a value of their own: everything but the maps with fields. */
function leavesOf(root: SchemaPart, part: SchemaPart, path: string[]): Leaf[] {
  if (part.$ref) {
    const [file, pointer = ''] = part.$ref.split('#/definitions/');
    return leavesOf(root, (file ? commonParts : root).definitions?.[pointer] ?? {}, path);
  }
  if (part.properties) {
    return Object.entries(part.properties).flatMap(([key, member]) => leavesOf(root, member, [...path, key]));
  }
  // Quantity (the one anyOf) may be text as well as a number.
  return [{ path, isText: part.type === 'string' || part.anyOf !== undefined }];
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

function readValue(leaf: Leaf, text: string, variable: string): unknown {
  return leaf.isText ? text : parseManifest(text, variable)[0]?.object;
}

/** The configuration with what the variables say in its place. An empty variable counts as not set. */
export function applyEnvironment(
  kind: ConfigKind,
  config: Record<string, unknown>,
  env: Environment,
): Overridden {
  const leaves = leavesOf(schemas[kind], schemas[kind], []);
  const byVariable = new Map(leaves.map((leaf) => [variableOf(kind, leaf.path), leaf]));
  const variables = new Set<string>();
  const problems: ConfigProblem[] = [];
  let merged = config;
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith(prefixes[kind]) || !text) continue;
    const leaf = byVariable.get(variable);
    if (!leaf) {
      problems.push({
        source: variable,
        field: '',
        message: `this variable names no field${suggestion(variable, byVariable.keys())}`,
      });
      continue;
    }
    try {
      merged = setAt(merged, leaf.path, readValue(leaf, text, variable));
      variables.add(variable);
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error;
      problems.push(
        ...error.problems.map(({ message }) => ({ source: variable, field: leaf.path.join('.'), message })),
      );
    }
  }
  return { config: merged, variables, problems };
}
