import { expect, it } from 'vitest';
import { countChanges, isClean } from './changes.ts';

it('counts all, and names what is changed and not the folders that it is in', () => {
  const changes = countChanges([
    { Path: '/opt', Kind: 0 },
    { Path: '/opt/b', Kind: 1 },
    { Path: '/opt/b/c', Kind: 1 },
    { Path: '/bin', Kind: 0 },
    { Path: '/bin/true', Kind: 2 },
    { Path: '/etc/hosts', Kind: 0 },
  ]);
  const paths = ['D /bin/true', 'C /etc/hosts', 'A /opt/b/c'];
  expect(changes).toEqual({ added: 2, changed: 3, deleted: 1, paths });
  expect(isClean(changes)).toBe(false);
});

it('takes nothing for an answer only when the engine says it', () => {
  for (const answer of [null, Buffer.from('null\n'), []]) expect(isClean(countChanges(answer))).toBe(true);
  for (const answer of [Buffer.from('[{"Path": "/x", "Ki'), '', {}, undefined])
    expect(() => countChanges(answer)).toThrow('does not say what has changed');
});
