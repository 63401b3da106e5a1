import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { bindingArguments } from './binding.ts';

const path = process.env.PATH ?? '/usr/bin:/bin';

test('nothing to bind puts nothing before the program', async () => {
  expect(await bindingArguments({}, path)).toEqual({ argv: [] });
});

test('the kernel holds a process to its CPUs, as /proc says', async () => {
  const binding = await bindingArguments({ cpus: '0' }, path);
  if (!('argv' in binding)) throw new Error(binding.startError.message);
  const [program = '', ...args] = binding.argv;
  const status = execFileSync(program, [...args, 'cat', '/proc/self/status'], { encoding: 'utf8' });
  expect(status).toMatch(/^Cpus_allowed_list:\t0$/m);
});

test('a machine without the program refuses, and says what to install', async () => {
  expect(await bindingArguments({ cpus: '0-1' }, '/nowhere')).toMatchObject({
    startError: { reason: 'BindingUnavailable', message: expect.stringContaining('no taskset') },
  });
  expect(await bindingArguments({ memoryNodes: '1' }, '/nowhere')).toMatchObject({
    startError: { message: expect.stringContaining('memory of NUMA nodes 1: it has no numactl') },
  });
});
