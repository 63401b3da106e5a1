/**
 * While a simulation runs, real time and real randomness throw: a part that asks for them would make a failure
 * impossible to replay. Answers a function that puts everything back.
 */
export function forbidRealTime(): () => void {
  const real = { Date, random: Math.random, setTimeout, setInterval, setImmediate, now: performance.now };
  const forbidden = (what: string) => () => {
    throw new Error(`${what} in simulated code: use the injected Clock or Rng`);
  };
  globalThis.Date = datesOf(real.Date, forbidden('new Date()'), forbidden('Date.now()'));
  Math.random = forbidden('Math.random()');
  globalThis.setTimeout = forbidden('setTimeout()') as never;
  globalThis.setInterval = forbidden('setInterval()') as never;
  globalThis.setImmediate = forbidden('setImmediate()') as never;
  performance.now = forbidden('performance.now()');
  return () => {
    globalThis.Date = real.Date;
    Math.random = real.random;
    globalThis.setTimeout = real.setTimeout;
    globalThis.setInterval = real.setInterval;
    globalThis.setImmediate = real.setImmediate;
    performance.now = real.now;
  };
}

/** Dates of given times only. No Proxy: times are written into objects all the time. */
function datesOf(real: DateConstructor, forbiddenNew: () => never, now: () => never): DateConstructor {
  function GivenDate(...given: [number] | []): Date {
    return given.length === 0 ? forbiddenNew() : new real(...given);
  }
  return Object.assign(GivenDate, {
    now,
    parse: real.parse,
    UTC: real.UTC,
    prototype: real.prototype,
  }) as never;
}
