/**
 * A value made on first use: for what is dear to load or to compile and not needed by every command. `make` must
 * always give the same, so that it does not matter who asks first. When it throws, the next call tries again.
 */
export function lazy<T>(make: () => T): () => T {
  let made: { value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
