/** Figures of one measured thing, milliseconds unless said otherwise. */
export interface Summary {
  median: number;
  p10: number;
  p90: number;
  p99: number;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: quantile(values, 0.5),
    p10: quantile(values, 0.1),
    p90: quantile(values, 0.9),
    p99: quantile(values, 0.99),
  };
}

export function spread(values: readonly number[]): string {
  const { median, p10, p90 } = summarize(values);
  return `${median.toFixed(1)} [${p10.toFixed(1)}–${p90.toFixed(1)}]`;
}

/** One line of the printed result. `goal` says what is wanted, `met` whether this run reached it. */
export interface Row {
  what: string;
  river: string;
  peer?: string;
  ratio?: string;
  goal?: string;
  met?: boolean;
}

export function printTable(rows: readonly Row[]): void {
  const header = { what: 'what', river: 'river', peer: 'peer', ratio: 'ratio', goal: 'goal', met: '' };
  const lines = [
    header,
    ...rows.map((row) => ({ ...row, met: row.met === undefined ? '' : row.met ? 'met' : 'missed' })),
  ];
  const columns = ['what', 'river', 'peer', 'ratio', 'goal', 'met'] as const;
  const widths = columns.map((column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  for (const line of lines) {
    console.log(
      columns
        .map((column, index) => (line[column] ?? '').padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
  }
}
