import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { bindingArguments } from './binding.ts';

const path = process.env.PATH ?? '/usr/bin:/bin';

test('nothing to bind puts nothing before the program', async () => {
  expect(await bindingArguments({}, path)).toEqual({ argv: [] });
});

/** One that this process may use: on a machine that is shared that need not be the first. */
const [cpu = ''] = /(?<=^Cpus_allowed_list:\s*)\d+/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];

test('the kernel holds a process to its CPUs, as /proc says', async () => {
  const binding = await bindingArguments({ cpus: cpu }, path);
  if (!('argv' in binding)) throw new Error(binding.startError.message);
  const [program = '', ...args] = binding.argv;
  const status = execFileSync(program, [...args, 'cat', '/proc/self/status'], { encoding: 'utf8' });
  expect(status).toContain(`Cpus_allowed_list:\t${cpu}\n`);
});

test('a machine without the program refuses, and says what to install', async () => {
  expect(await bindingArguments({ cpus: '0-1' }, '/nowhere')).toMatchObject({
    startError: { reason: 'BindingUnavailable', message: expect.stringContaining('no taskset') },
  });
  expect(await bindingArguments({ memoryNodes: '1' }, '/nowhere')).toMatchObject({
    startError: { message: expect.stringContaining('memory of NUMA nodes 1: it has no numactl') },
  });
});
