import { expect, test } from 'vitest';
import { isLoopback } from './loopback.ts';

test.each(['localhost', '127.0.0.1', '127.9.8.7', '::1', '[::1]'])('%s is', (address) => {
  expect(isLoopback(address)).toBe(true);
});

test.each(['0.0.0.0', '::', '', '127.0.0', '127.999.0.1', '127.0.0.1.example.org', 'localhost.example.org'])(
  '"%s" is not',
  (address) => {
    expect(isLoopback(address)).toBe(false);
  },
);
