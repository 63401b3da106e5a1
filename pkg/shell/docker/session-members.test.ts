import { expect, it } from 'vitest';
import { readMember } from './session-members.ts';

const status = (more: Record<string, string> = {}) =>
  Object.entries({
    Name: 'a)\n b',
    State: 'S (sleeping)',
    Pid: '14091',
    NSpid: '14091\t53',
    NSsid: '14084\t46',
    SigIgn: '0000000000000006',
    ...more,
  })
    .map(([name, value]) => `${name}:\t${value}\n`)
    .join('');

it('a process of the session is known by the numbers of the machine and of its container', () => {
  expect(readMember(status(), 14084)).toEqual({ pid: 14091, innerPid: 53, ignoresHangUp: false });
  expect(readMember(status({ NSpid: '7', NSsid: '7' }), 7)).toMatchObject({ pid: 7, innerPid: 7 });
});

it('others are none: of another session, dead, or gone while they were read', () => {
  expect(readMember(status(), 46)).toBeUndefined();
  expect(readMember(status({ State: 'Z (zombie)' }), 14084)).toBeUndefined();
  expect(readMember('', 0)).toBeUndefined();
  expect(readMember('NSsid:\t0\n', 0)).toBeUndefined();
});

it('one that ignores SIGHUP was told to go on', () => {
  const ignores = (SigIgn: string) => readMember(status({ SigIgn }), 14084)?.ignoresHangUp;
  expect(['0000000000000001', 'ffffffffffffffff', '0000000000000003'].map(ignores)).toEqual([
    true,
    true,
    true,
  ]);
  expect(['0000000000000000', '8000000000000000', '0000000000000002'].map(ignores)).toEqual([
    false,
    false,
    false,
  ]);
});
