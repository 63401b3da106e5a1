import { stringify } from 'yaml';
import { type ApiObject, type Column, columns, type Resource } from '../../api/index.ts';
import { shownObject } from '../naming/object-args.ts';
import { colourState } from './colour.ts';
import { printable, TableWriter } from './table.ts';

export type OutputFormat = 'wide' | 'yaml' | 'json' | 'name';

/** Prints objects of one kind, all at once or as they come. */
export interface ObjectPrinter {
  print(objects: readonly ApiObject[]): string;
}

export interface TableOptions {
  wide: boolean;
  withNamespace: boolean;
  /** `task.river.dev/` before names: several kinds in one answer. */
  withKind: boolean;
  colour: boolean;
  /** Behind those of the kind. */
  more?: readonly Column<ApiObject>[];
  now(): number;
}

/** The header comes before the first row only, so that a watch goes on in the same table. */
export class TablePrinter implements ObjectPrinter {
  private readonly writer = new TableWriter();
  private readonly options: TableOptions;
  private readonly columns: readonly Column<ApiObject>[];
  private headerPrinted = false;

  constructor(resource: Resource, options: TableOptions) {
    this.options = options;
    const all = columns[resource.kind] as readonly Column<ApiObject>[];
    this.columns = [...all.filter((column) => options.wide || !column.wide), ...(options.more ?? [])];
  }

  print(objects: readonly ApiObject[]): string {
    const now = this.options.now();
    const rows = objects.map((object) => this.row(object, now));
    const header = this.headerPrinted ? [] : [this.header()];
    this.headerPrinted = true;
    return this.writer.format([...header, ...rows]);
  }

  private header(): string[] {
    const names = this.columns.map((column) => column.name);
    return this.options.withNamespace ? ['NAMESPACE', ...names] : names;
  }

  private row(object: ApiObject, now: number): string[] {
    const cells = this.columns.map((column) => {
      const cell = printable(column.cell(object, now));
      if (column.name === 'NAME' && this.options.withKind) return shownObject(object);
      return column.name === 'STATUS' || column.name === 'TYPE'
        ? colourState(cell, this.options.colour)
        : cell;
    });
    return this.options.withNamespace ? [object.metadata.namespace ?? '', ...cells] : cells;
  }
}

export const namePrinter: ObjectPrinter = {
  print: (objects) => objects.map((object) => `${shownObject(object)}\n`).join(''),
};

/** Each object as a document of its own: the form of a watch, which has no end. */
export const documentPrinter: Record<'yaml' | 'json', ObjectPrinter> = {
  yaml: { print: (objects) => objects.map((object) => `---\n${toYaml(object)}`).join('') },
  json: { print: (objects) => objects.map((object) => `${JSON.stringify(object, null, 2)}\n`).join('') },
};

/** One object as itself; several as a List. managedFields are left out: they are for machines (the API has them). */
export function formatObjects(
  format: 'yaml' | 'json',
  objects: readonly ApiObject[],
  single: boolean,
): string {
  const value = single ? objects[0] : { apiVersion: 'v1', kind: 'List', metadata: {}, items: objects };
  return formatDocument(format, value);
}

export function formatDocument(format: 'yaml' | 'json', value: unknown): string {
  return format === 'json' ? `${JSON.stringify(value, null, 2)}\n` : toYaml(value);
}

export function withoutManagedFields<T extends ApiObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

function toYaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
