import { readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importsOf, root, sourceFiles } from './source-files.ts';

/** Which package may import which: the table of docs/architecture.md, as code. */
const allowed: Record<string, readonly string[]> = {
  base: [],
  api: ['base'],
  config: ['api', 'base'],
  topology: ['api', 'base'],
  placement: ['topology', 'api', 'base'],
  store: ['api', 'base'],
  shell: ['api', 'base'],
  'shell/docker': ['shell', 'engine', 'api', 'base'],
  client: ['shell', 'api', 'base'],
  logs: ['api', 'base'],
  identity: ['api', 'base'],
  environment: ['api', 'base'],
  builder: ['engine', 'environment', 'api', 'base'],
  apiserver: ['environment', 'store', 'client', 'shell', 'identity', 'placement', 'logs', 'api', 'base'],
  gateway: ['client', 'logs', 'api', 'base'],
  controller: ['client', 'api', 'base'],
  'controllers/task': ['controller', 'client', 'api', 'base'],
  'controllers/node': ['controller', 'client', 'api', 'base'],
  'controllers/environment': ['builder', 'environment', 'controller', 'client', 'api', 'base'],
  'controllers/reaper': ['controller', 'client', 'api', 'base'],
  scheduler: ['placement', 'controller', 'client', 'api', 'base'],
  engine: ['base'],
  executor: ['api', 'base'],
  'executor/kernel': ['executor', 'topology', 'api', 'base'],
  'executor/docker': ['executor/kernel', 'executor', 'engine', 'environment', 'api', 'base'],
  'executor/records': ['executor/kernel', 'executor', 'api', 'base'],
  'executor/process': ['executor/kernel', 'executor/records', 'executor', 'api', 'base'],
  'executor/systemd': ['executor/kernel', 'executor/records', 'executor', 'api', 'base'],
  'executor/fake': ['executor', 'api', 'base'],
  runner: ['executor', 'environment', 'client', 'topology', 'api', 'base'],
  cli: ['environment', 'placement', 'topology', 'client', 'shell', 'api', 'base'],
};

/** `pkg/controllers/task/fold.ts` → `controllers/task`; undefined outside of pkg. */
function packageOf(file: string): string | undefined {
  const [top, first, second] = file.split('/');
  if (top !== 'pkg' || first === undefined) return undefined;
  const nested = `${first}/${second}`;
  return nested in allowed ? nested : first;
}

/** Everything that is wrong with the imports of one file, as sentences. */
function violations(file: string, text: string): string[] {
  const own = packageOf(file);
  return importsOf(text)
    .filter((specifier) => specifier.startsWith('.'))
    .flatMap((specifier) => {
      const target = normalize(join(dirname(file), specifier));
      const other = packageOf(target);
      if (own === undefined) return [];
      if (target.startsWith('schemas/'))
        return own === 'api' || own === 'config' ? [] : [`${file} reads ${target}: only api and config may`];
      if (other === undefined) return [`${file} imports ${target}, which is outside of pkg`];
      if (other === own) return [];
      if (!allowed[own]?.includes(other))
        return [`${file} imports ${other}: ${own} may import only ${allowed[own]?.join(', ') || 'nothing'}`];
      const door = `pkg/${other}/index.ts`;
      return target === door ? [] : [`${file} imports ${target}: use ${door}`];
    });
}

describe('import rules', () => {
  const files = sourceFiles('pkg').filter((file) => !file.endsWith('.test.ts'));

  it('knows every package', () => {
    const unknown = files.map(packageOf).filter((name) => name === undefined || !(name in allowed));
    expect([...new Set(unknown)]).toEqual([]);
  });

  it('are obeyed by every file', () => {
    const found = files.flatMap((file) => violations(file, readFileSync(join(root, file), 'utf8')));
    expect(found).toEqual([]);
  });

  it('see a violation', () => {
    expect(violations('pkg/base/x.ts', "import { a } from '../store/index.ts';")).toHaveLength(1);
    expect(violations('pkg/store/x.ts', "import { a } from '../api/objects.ts';")).toHaveLength(1);
    expect(violations('pkg/store/x.ts', "export * from '../api/index.ts';")).toEqual([]);
    expect(
      violations('pkg/runner/x.ts', "const docker = await import('../executor/docker/index.ts');"),
    ).toHaveLength(1);
  });

  it('have no package in a circle', () => {
    const reach = (name: string, seen: string[]): void => {
      for (const next of allowed[name] ?? []) {
        expect(seen, `${[...seen, next].join(' → ')}`).not.toContain(next);
        reach(next, [...seen, next]);
      }
    };
    for (const name of Object.keys(allowed)) reach(name, [name]);
  });
});

it('every package opens with a door that says what it is', () => {
  for (const name of Object.keys(allowed)) {
    const door = join(root, 'pkg', name, 'index.ts');
    expect(readFileSync(door, 'utf8').startsWith('/**'), relative(root, door)).toBe(true);
  }
});
