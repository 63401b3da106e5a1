import {
  type Finding,
  formatField,
  type HostConfig,
  type ManifestDocument,
  ManifestError,
  parseManifest,
  type RunnerConfig,
  schemaFindings,
} from '../api/index.ts';
import { errorMessage } from '../base/index.ts';
import { ConfigError, type ConfigProblem } from './config-error.ts';
import { hostFindings, runnerFindings } from './config-rules.ts';
import {
  applyEnvironment,
  type Environment,
  type Overridden,
  schemaNames,
  variableOf,
} from './environment.ts';
import { type ConfigKind, hostSettings, runnerSettings, type Settings } from './settings.ts';

export interface ConfigSource {
  /** Path as the user gave it with --config; left out: defaults and environment alone. */
  file?: string;
  env: Environment;
  /** Text of a file; throws when it cannot be read. */
  readText(file: string): string;
  /** Of this machine: the name of the Node where the configuration has none. */
  hostname: string;
}

/** The one document of the file; undefined without a file or when it says nothing. */
function readDocument(kind: ConfigKind, { file, readText }: ConfigSource): ManifestDocument | undefined {
  if (file === undefined) return undefined;
  const refuse = (source: string, message: string) => new ConfigError([{ source, field: '', message }]);
  let text: string;
  try {
    text = readText(file);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'there is no such file' : errorMessage(error);
    throw refuse(file, `the configuration of river-${kind} cannot be read: ${why}`);
  }
  try {
    const [document, second] = parseManifest(text, file);
    if (second)
      throw refuse(
        `${file}:${second.locate([]).line}:1`,
        'a configuration is one document; take the second one out',
      );
    return document;
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    throw new ConfigError(
      error.problems.map(({ line, column, field, message }) => ({
        source: `${file}:${line}:${column}`,
        field,
        message,
      })),
    );
  }
}

/** The variable that a field came from, or its place in the file, or the program whose configuration it is. */
function sourceOf(
  kind: ConfigKind,
  { path }: Finding,
  variables: ReadonlySet<string>,
  document: ManifestDocument | undefined,
): string {
  for (let length = path.length; length > 0; length -= 1) {
    const variable = variableOf(kind, path.slice(0, length));
    if (variables.has(variable)) return variable;
  }
  if (!document) return `river-${kind}`;
  const { line, column } = document.locate(path);
  return `${document.file}:${line}:${column}`;
}

function findingsOf(kind: ConfigKind, config: Record<string, unknown>, hostname: string): Finding[] {
  const found = schemaFindings(schemaNames[kind], config);
  // The rules trust the types that the schema has checked: they come second.
  if (found.length > 0) return found;
  return kind === 'host'
    ? hostFindings(config as HostConfig)
    : runnerFindings(config as unknown as RunnerConfig, hostname);
}

function problemOf(
  kind: ConfigKind,
  finding: Finding,
  { variables }: Overridden,
  document: ManifestDocument | undefined,
): ConfigProblem {
  const missing =
    finding.reason === 'FieldValueRequired'
      ? `; write it in the file of --config or set ${variableOf(kind, finding.path)}`
      : '';
  return {
    source: sourceOf(kind, finding, variables, document),
    field: formatField(finding.path),
    message: finding.message + missing,
  };
}

/** Reads, overrides, checks and fills in. Raises `ConfigError` with everything that is wrong. */
export function loadConfig<K extends ConfigKind>(kind: K, source: ConfigSource): Settings[K] {
  const document = readDocument(kind, source);
  const written = document?.object ?? {};
  if (typeof written !== 'object' || Array.isArray(written)) {
    throw new ConfigError([
      { source: `${source.file}:1:1`, field: '', message: 'must be a map of fields, as in logLevel: info' },
    ]);
  }
  const overridden = applyEnvironment(kind, written as Record<string, unknown>, source.env);
  const findings = findingsOf(kind, overridden.config, source.hostname);
  const problems = [
    ...overridden.problems,
    ...findings.map((finding) => problemOf(kind, finding, overridden, document)),
  ];
  if (problems.length > 0) throw new ConfigError(problems);
  const settings: Settings[ConfigKind] =
    kind === 'host'
      ? hostSettings(overridden.config as HostConfig)
      : runnerSettings(overridden.config as unknown as RunnerConfig, source.hostname);
  return settings as Settings[K];
}
