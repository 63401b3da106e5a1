import { expect, test } from 'vitest';
import { parseManifest } from './manifest.ts';
import { checkManifests, locateCauses } from './manifest-check.ts';

const task = (name: string, rest = '') =>
  `apiVersion: river.dev/v1\nkind: Task\nmetadata: {name: ${name}${rest}}\nspec: {command: [a]}\n`;
const check =
  (...texts: string[]) =>
  () =>
    checkManifests(texts.flatMap((text, index) => parseManifest(text, `${index}.yaml`)));

test('good objects come back', () => {
  expect(check(`${task('a')}---\n${task('b')}`)().map(({ metadata }) => metadata.name)).toEqual(['a', 'b']);
});

test('one bad document of any file refuses all, and all that is wrong is said', () => {
  const bad =
    'apiVersion: river.dev/v1\nkind: Task\nmetadata:\n  name: x\nspec:\n  comand: [a]\n  resources:\n    memory: 8X\n  image: i\n';
  expect(check(task('a'), `${task('b')}---\n${bad}---\nkind: Tsk\n`)).toThrow(
    [
      '1.yaml:11:3: spec.comand: unknown field; did you mean command?',
      '1.yaml:13:5: spec.resources.memory: must be bytes: a whole number, or a number with k, M, G, T, P (1000-based) or Ki, Mi, Gi, Ti, Pi (1024-based), as in 512M or 4Gi; found 8X',
      '1.yaml:16:1: kind: must be Task or Node or Environment; found the text "Tsk"; did you mean Task?',
    ].join('\n'),
  );
});

test('the same object twice names both places', () => {
  expect(check(`${task('a')}---\n${task('a', ', namespace: default')}`)).toThrow(
    '0.yaml:8:12: metadata.name: Task default/a is already at 0.yaml:3:12; name each object once',
  );
  expect(check(task('a'), task('a'))).toThrow(
    '1.yaml:3:12: metadata.name: Task default/a is already at 0.yaml:3:12',
  );
  expect(check(task('a'), task('a', ', namespace: other'))).not.toThrow();
});

test('the namespace of the command line counts for objects without one', () => {
  const documents = parseManifest(`${task('a')}---\n${task('a', ', namespace: lab')}`, 'f.yaml');
  expect(() => checkManifests(documents)).not.toThrow();
  expect(() => checkManifests(documents, 'lab')).toThrow('Task lab/a is already at f.yaml:3:12');
});

test('causes of the API find their place', () => {
  const [document] = parseManifest(task('a'), 'f.yaml');
  expect(locateCauses(document!, [{ field: 'spec.command', message: 'm' }, { message: 'n' }])).toEqual([
    { file: 'f.yaml', line: 4, column: 8, field: 'spec.command', message: 'm' },
    { file: 'f.yaml', line: 1, column: 1, field: '', message: 'n' },
  ]);
});
