import { RiverError } from '../../pkg/base/index.ts';

/** While the disk is full, these methods fail as they do on a real one, and change nothing. */
export function refuseWhenFull<T extends object>(
  target: T,
  methods: readonly (keyof T & string)[],
  isFull: () => boolean,
): void {
  for (const method of methods) {
    const real = target[method] as (...args: unknown[]) => Promise<unknown>;
    const value = (...args: unknown[]) =>
      isFull()
        ? Promise.reject(new RiverError('ServiceUnavailable', 'the simulated disk is full'))
        : real.apply(target, args);
    Object.defineProperty(target, method, { value, configurable: true, writable: true });
  }
}
