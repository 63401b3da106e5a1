import { expect, it } from 'vitest';
import { hostConfig, runnerConfig } from '../../pkg/cli/init/configs.ts';
import { type ConfigKind, loadConfig } from '../../pkg/config/index.ts';
import hostSchema from '../../schemas/host.json' with { type: 'json' };
import runnerSchema from '../../schemas/runner.json' with { type: 'json' };

const read = (kind: ConfigKind, text: string) =>
  loadConfig(kind, { file: 'c.yaml', env: {}, readText: () => text, hostname: 'box' });

/** Every commented field counts, as if a person had taken the signs away. */
const uncommented = (text: string) => text.replaceAll(/^#(?=\w)/gm, '');

it('the configurations that river init writes are good, and what they show as defaults are the defaults', () => {
  const host = hostConfig({ stateDir: '/var/lib/river/host' });
  expect(read('host', host)).toEqual({ ...read('host', ''), listen: { address: '0.0.0.0', port: 8000 } });
  const shown = uncommented(host);
  expect(read('host', shown)).toEqual({ ...read('host', host), sharedDir: '/srv/river' });
  const joined = 'host: https://lab.example:8000\n';
  const runner = runnerConfig({ stateDir: '/var/lib/river/runner' });
  expect(read('runner', runner + joined)).toEqual(read('runner', joined));
  expect(read('runner', uncommented(runner))).toEqual({
    ...read('runner', joined),
    name: 'node1',
    sharedDir: '/srv/river',
    minFreeBytes: 2 ** 30,
  });
});

it('they name every field', () => {
  const fieldsOf = (text: string) => [...text.matchAll(/^#?(\w+):/gm)].map(([, name]) => name).sort();
  expect(fieldsOf(hostConfig({ stateDir: '/s' }))).toEqual(Object.keys(hostSchema.properties).sort());
  expect(fieldsOf(runnerConfig({ stateDir: '/s' }))).toEqual(Object.keys(runnerSchema.properties).sort());
});
