import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  visit,
  type Node as YamlNode,
} from 'yaml';
import { errorMessage, RiverError } from '../../base/index.ts';
import { type FieldPath, parseField } from '../validation/field-path.ts';

/** Deeper than any object of ours; keeps a hostile file from the stack of whoever walks it. */
const nestingLimit = 64;
/** How many nodes aliases may unfold to, all together, before the file counts as an alias bomb. */
const aliasLimit = 1000;

/** From 1, in characters. */
export interface Position {
  line: number;
  column: number;
}

export interface ManifestProblem extends Position {
  file: string;
  field: string;
  message: string;
}

function formatProblem({ file, line, column, field, message }: ManifestProblem): string {
  return `${file}:${line}:${column}: ${field ? `${field}: ` : ''}${message}`;
}

/** Everything that is wrong with a set of files; the message has one line for each. */
export class ManifestError extends RiverError {
  readonly problems: readonly ManifestProblem[];

  constructor(problems: readonly ManifestProblem[]) {
    const causes = problems.map(({ field, message }) => ({ field, message, reason: 'FieldValueInvalid' }));
    super('Invalid', problems.map(formatProblem).join('\n'), { causes });
    this.name = 'ManifestError';
    this.problems = problems;
  }
}

/** One object of a file and where its parts stand. */
export interface ManifestDocument {
  object: unknown;
  /** Among the objects of the file, from 0. */
  index: number;
  file: string;
  /** Of the key, or of the list's entry; of the nearest part above where there is no such field. */
  locate(field: FieldPath | string): Position;
}

interface Source {
  file: string;
  lines: LineCounter;
}

function positionAt({ lines }: Source, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

const offsetOf = (node: unknown) => (node as YamlNode | null | undefined)?.range?.[0];

/** Offset of the deepest part of the path that is there. */
function findOffset(root: unknown, path: FieldPath, document: Document): number {
  let node = root;
  let offset = offsetOf(root) ?? 0;
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document);
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String((key as { value?: unknown })?.value) === String(part));
      if (!pair) break;
      offset = offsetOf(pair.key) ?? offset;
      node = pair.value;
    } else if (isSeq(node) && typeof part === 'number' && part in node.items) {
      node = node.items[part];
      offset = offsetOf(node) ?? offset;
    } else break;
  }
  return offset;
}

function exceedsNesting(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth >= nestingLimit || Object.values(value).some((member) => exceedsNesting(member, depth + 1));
}

const tooDeep = `lists and maps may be nested ${nestingLimit} deep at most`;

/** After so many the rest is most often the echo of the first. */
const problemLimit = 10;

function syntaxProblems(document: Document, source: Source): ManifestProblem[] {
  const errors = [...document.errors, ...document.warnings];
  const message = (error: (typeof errors)[number]) => {
    // The parser has met the end of its stack.
    if (error.code === 'RESOURCE_EXHAUSTION') return tooDeep;
    return `cannot be read as YAML: ${errorMessage(error)}`;
  };
  const exhausted = errors.filter(({ code }) => code === 'RESOURCE_EXHAUSTION');
  return (exhausted.length > 0 ? exhausted.slice(0, 1) : errors.slice(0, problemLimit)).map((error) => ({
    file: source.file,
    ...positionAt(source, error.pos[0]),
    field: '',
    message: message(error),
  }));
}

/** Place and cause of what `toJS` has thrown. */
function dataProblem(error: unknown, document: Document): { node: unknown; message: string } {
  const node = document.contents;
  if (error instanceof RangeError) return { node, message: tooDeep };
  let dangling: Alias | undefined;
  visit(document, {
    Alias(_key, alias) {
      if (!alias.resolve(document)) dangling ??= alias;
    },
  });
  if (dangling) return { node: dangling, message: `no anchor &${dangling.source} stands before this alias` };
  if (error instanceof ReferenceError)
    return { node, message: 'aliases (*name) unfold to too much; write it out' };
  return { node, message: `cannot be read as YAML: ${errorMessage(error)}` };
}

/** The parser's own check compares each key with each other: a large map would hold everybody up. */
function duplicateKeys(document: Document, source: Source): ManifestProblem[] {
  const problems: ManifestProblem[] = [];
  visit(document, {
    Map(_key, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        const value = isScalar(key) ? String(key.value) : key;
        const message = 'this key stands here twice; keep one';
        if (seen.has(value)) {
          problems.push({ file: source.file, ...positionAt(source, offsetOf(key) ?? 0), field: '', message });
        }
        seen.add(value);
      }
    },
  });
  return problems.slice(0, problemLimit);
}

/** Plain data of one YAML document, or what is wrong with it. */
function read(document: Document, source: Source): { data?: unknown; wrong: ManifestProblem[] } {
  const wrong = syntaxProblems(document, source);
  if (wrong.length > 0) return { wrong };
  const problemAt = (node: unknown, message: string) => ({
    wrong: [{ file: source.file, ...positionAt(source, offsetOf(node) ?? 0), field: '', message }],
  });
  try {
    const data: unknown = document.toJS({ maxAliasCount: aliasLimit });
    if (exceedsNesting(data)) return problemAt(document.contents, tooDeep);
    return { data, wrong: duplicateKeys(document, source) };
  } catch (error) {
    const { node, message } = dataProblem(error, document);
    return problemAt(node, message);
  }
}

/** A `kind: List`, as `get -o yaml` prints several objects, stands for its items. */
function unfold(data: unknown): { object: unknown; prefix: FieldPath }[] {
  const list = data as { kind?: unknown; items?: unknown } | null;
  if (list?.kind !== 'List' || !Array.isArray(list.items)) return [{ object: data, prefix: [] }];
  return list.items.map((object, index) => ({ object, prefix: ['items', index] }));
}

function parseDocuments(text: string, source: Source): Document[] {
  const refuse = (message: string) =>
    new ManifestError([{ file: source.file, line: 1, column: 1, field: '', message }]);
  try {
    const parsed = parseAllDocuments(text, {
      lineCounter: source.lines,
      merge: true,
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: 'error',
    });
    return [...parsed] as Document[];
  } catch (error) {
    if (error instanceof RangeError) throw refuse(tooDeep);
    throw refuse(`cannot be read as YAML: ${errorMessage(error)}`);
  }
}

/**
 * The objects of one YAML or JSON text, in order; empty documents are skipped. Raises `ManifestError` for what is
 * not YAML, duplicate keys, alias bombs and deep nesting. What the objects say is not looked at: see
 * `checkManifests`.
 */
export function parseManifest(text: string, file: string): ManifestDocument[] {
  const source: Source = { file, lines: new LineCounter() };
  const problems: ManifestProblem[] = [];
  const found: ManifestDocument[] = [];
  for (const document of parseDocuments(text, source)) {
    const { data, wrong } = read(document, source);
    problems.push(...wrong);
    if (data === undefined || data === null) continue;
    for (const { object, prefix } of unfold(data)) {
      const locate = (field: FieldPath | string) => {
        const path = typeof field === 'string' ? parseField(field) : field;
        return positionAt(source, findOffset(document.contents, [...prefix, ...path], document));
      };
      found.push({ object, index: found.length, file, locate });
    }
  }
  if (problems.length > 0) throw new ManifestError(problems);
  return found;
}
