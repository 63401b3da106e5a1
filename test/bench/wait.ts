/** Asks until `condition` answers true (an error counts as not yet), at most `deadlineMs`. */
export async function eventually(
  what: string,
  deadlineMs: number,
  condition: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  let last: unknown;
  while (performance.now() < deadline) {
    try {
      if (await condition()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`waited ${deadlineMs} ms for ${what}`, { cause: last });
}
