import { InvalidArgumentError } from 'commander';

export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

export function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number, as in 100.');
  return Number(text);
}
