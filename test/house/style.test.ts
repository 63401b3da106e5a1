import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryFiles, root, sourceFiles } from './source-files.ts';

const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** Lines of `file` that match, as `file:line: text`. Lines of comments do not count. */
function matches(file: string, pattern: RegExp): string[] {
  return read(file)
    .split('\n')
    .flatMap((line, index) =>
      pattern.test(line) && !/^\s*(\*|\/\/|\/\*)/.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
    );
}

describe('the house', () => {
  const product = sourceFiles('pkg', 'cmd').filter((file) => !file.endsWith('.test.ts'));

  it('has only the rooms that it should have', () => {
    const folders = new Set(
      repositoryFiles()
        .filter((file) => file.includes('/'))
        .map((file) => file.split('/')[0]),
    );
    expect([...folders].sort()).toEqual(['.ci', 'cmd', 'docs', 'manifests', 'pkg', 'schemas', 'test'].sort());
  });

  it('reads time, randomness and environment only in base and cmd', () => {
    const seams =
      /Date\.now\(|new Date\(\)|Math\.random\(|(^|[^.\w])(setTimeout|setInterval|setImmediate)\(|process\.(env|hrtime|nextTick)|performance\.now\(/;
    const found = product
      .filter((file) => !file.startsWith('pkg/base/') && !file.startsWith('cmd/'))
      .flatMap((file) => matches(file, seams));
    expect(found).toEqual([]);
  });

  it('keeps files that fit a screen or two', () => {
    const lengths = product
      .map((file) => ({ file, lines: read(file).split('\n').length }))
      .sort((a, b) => a.lines - b.lines);
    expect(lengths.filter(({ lines }) => lines > 400)).toEqual([]);
    expect(lengths[Math.floor(lengths.length / 2)]?.lines).toBeLessThan(160);
  });

  it('has no loose ends', () => {
    const loose =
      /\b(TODO|FIXME|XXX)\b|@ts-ignore|@ts-expect-error|(: |as )any\b(?! \w)|\b(it|test|describe)\.(only|todo)\b/;
    const files = sourceFiles('pkg', 'cmd', 'test').filter((file) => !file.startsWith('test/house/'));
    expect(files.flatMap((file) => matches(file, loose))).toEqual([]);
  });

  it('has tests that wait for conditions and never for a fixed time', () => {
    const sleeps =
      /await (sleep|delay)\(\s*(realClock,\s*)?\d|setTimeout\(resolve, \d+\)|setTimeout\(r, \d+\)/;
    const found = sourceFiles('pkg', 'cmd', 'test')
      .filter((file) => file.endsWith('.test.ts'))
      .flatMap((file) => matches(file, sleeps));
    expect(found).toEqual([]);
  });

  it('names no registry, no machine', () => {
    const forbidden = /registry\.npmjs|deb\.debian\.org|\/work\/|\/root\//;
    const files = repositoryFiles().filter(
      (file) => !file.startsWith('test/house/') && !file.endsWith('.png'),
    );
    const found = files.flatMap((file) =>
      read(file)
        .split('\n')
        .flatMap((line, index) => (forbidden.test(line) ? [`${file}:${index + 1}`] : [])),
    );
    expect(found).toEqual([]);
  });

  it('has documents whose links lead somewhere', () => {
    const broken = repositoryFiles()
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        [...read(file).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)]
          .map((match) => match[1] ?? '')
          .filter((link) => !existsSync(join(root, dirname(file), link)))
          .map((link) => `${file}: ${link}`),
      );
    expect(broken).toEqual([]);
  });

  it('numbers each decision once', () => {
    const numbers = repositoryFiles('docs/decisions').map((file) => basename(file).slice(0, 4));
    expect(numbers.filter((number, index) => numbers.indexOf(number) !== index)).toEqual([]);
  });

  it('has an executable CI script', () => {
    expect(statSync(join(root, '.ci/run')).mode & 0o111).not.toBe(0);
  });
});
