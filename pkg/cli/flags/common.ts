import { type Command, InvalidArgumentError } from 'commander';

/** `-n` and friends are taken before and after the command. */
export function addNamespace(command: Command): void {
  command.option('-n, --namespace <name>', 'namespace (default: the one of the context, else default)');
}

export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value];
}

export function count(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('It must be a whole number, as in 100.');
  return Number(text);
}
