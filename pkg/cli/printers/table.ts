/** Columns as kubectl aligns them: as wide as their widest cell, three spaces apart, the last one ragged. */
export class TableWriter {
  private readonly widths: number[] = [];

  /** Rows that come later (a watch) keep the columns of the ones before, wider where they must be. */
  format(rows: readonly (readonly string[])[]): string {
    for (const row of rows) {
      for (const [index, cell] of row.entries()) {
        this.widths[index] = Math.max(this.widths[index] ?? 0, visibleLength(cell));
      }
    }
    return rows.map((row) => `${this.line(row)}\n`).join('');
  }

  private line(row: readonly string[]): string {
    return row
      .map((cell, index) => (index === row.length - 1 ? cell : cell + ' '.repeat(this.gap(cell, index))))
      .join('')
      .trimEnd();
  }

  private gap(cell: string, index: number): number {
    return (this.widths[index] ?? 0) - visibleLength(cell) + 3;
  }
}

/** Characters on screen: colour codes take none. */
function visibleLength(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character is what is looked for.
  return text.replace(/\u001b\[[0-9;]*m/g, '').length;
}

/** Text of others may hold escape sequences that would drive the person's terminal: shown, not obeyed. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\uFFFD').replace(/\n/g, ' ');
}
