export type FieldPath = readonly (string | number)[];

/** `spec.targets[0]`; keys that are no plain names stand in brackets: `metadata.labels["a.b/c"]`. */
export function formatField(path: FieldPath): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(part)) text += text ? `.${part}` : part;
    else text += `[${JSON.stringify(part)}]`;
  }
  return text;
}

/** The other way round. What does not look like a path becomes one key. */
export function parseField(text: string): (string | number)[] {
  const path: (string | number)[] = [];
  const part = /\.?([^.[\]]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gy;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (!match) return [text];
    if (match[1] !== undefined) path.push(match[1]);
    else if (match[2] !== undefined) path.push(Number(match[2]));
    else path.push(JSON.parse(match[3] ?? '""') as string);
  }
  return path;
}
