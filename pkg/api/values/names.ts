/**
 * What names and labels may look like. Each check answers with undefined, or with the rest of the sentence that
 * begins with the field: what would be right, and what was found.
 */

/** Task names are also values of the label river.dev/task (63) and begin the names of runs (11 and more characters longer). */
export const taskNameLimit = 52;

/** Names of Environments are also parts of names of images (255 with what is around it) and of files. */
export const environmentNameLimit = 200;

const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const dnsSubdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;

/** Name of an object (RFC 1123 subdomain). */
export function nameProblem(name: string, limit = 253): string | undefined {
  if (name.length > limit) return `must have at most ${limit} characters; found ${name.length}`;
  if (dnsSubdomain.test(name)) return undefined;
  return `must be lower case letters, digits, - and ., with a letter or digit at both ends; found "${name}"`;
}

/** Namespace (RFC 1123 label). */
export function namespaceProblem(namespace: string): string | undefined {
  if (namespace.length > 63) return `must have at most 63 characters; found ${namespace.length}`;
  if (dnsLabel.test(namespace)) return undefined;
  return `must be lower case letters, digits and -, with a letter or digit at both ends; found "${namespace}"`;
}

/** Key of a label or an annotation: [prefix/]name. */
export function labelKeyProblem(key: string): string | undefined {
  const parts = key.split('/');
  const name = parts.at(-1) ?? '';
  const prefix = parts.length > 1 ? parts[0] : undefined;
  const good =
    parts.length <= 2 &&
    name.length <= 63 &&
    qualifiedName.test(name) &&
    (prefix === undefined || (prefix.length <= 253 && dnsSubdomain.test(prefix)));
  if (good) return undefined;
  return `a key must be letters, digits, -, _ and . (at most 63), with a DNS name and / before it if wanted; found "${key}"`;
}

export function labelValueProblem(value: string): string | undefined {
  if (value === '' || (value.length <= 63 && qualifiedName.test(value))) return undefined;
  return `a value must be empty, or at most 63 letters, digits, -, _ and ., with a letter or digit at both ends; found "${value}"`;
}

/** Name of an environment variable: what a shell can use (POSIX), so that no program loses it on the way. */
export function environmentNameProblem(name: string): string | undefined {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined;
  return `must be a name of letters, digits and _ that does not begin with a digit; found "${name}"`;
}
