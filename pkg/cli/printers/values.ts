import { formatCores } from '../../api/index.ts';

/** What a value is shown as that the machine does not tell, or has told too long ago. */
export const unknown = '<unknown>';

/** In hundredths: CPU time is not measured finer than that. */
export function shownCores(cores: number): string {
  return formatCores(Math.round(cores * 100) * 10);
}

export function rounded(value: number | undefined, unit: string): string {
  return value === undefined ? unknown : `${Math.round(value)}${unit}`;
}

/** As in `3Gi/40Gi`. */
export function ofTotal(
  used: number | undefined,
  total: number | undefined,
  format: (value: number) => string,
): string {
  return `${used === undefined ? unknown : format(used)}/${total === undefined ? unknown : format(total)}`;
}
