import { beforeEach, expect, test } from 'vitest';
import type { Clock } from '../../base/index.ts';
import type { ExecutionSpec } from '../index.ts';
import { FakeExecutor, type FakeExecutorOptions } from './executor.ts';
import { FakeMachine } from './machine.ts';

class StepClock implements Clock {
  time = 0;
  dead = false;
  timers: { at: number; callback: () => void; cancelled: boolean }[] = [];
  now = () => this.time;
  monotonic = () => this.time;
  nextTurn = (callback: () => void) => {
    if (!this.dead) callback();
  };
  after = (delayMs: number, callback: () => void) => {
    const timer = { at: this.time + delayMs, callback, cancelled: false };
    if (!this.dead) this.timers.push(timer);
    return {
      cancel: () => {
        timer.cancelled = true;
      },
    };
  };
  async advance(ms: number): Promise<void> {
    const until = this.time + ms;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const due = this.timers.filter((timer) => !timer.cancelled && timer.at <= until);
      const next = due.sort((left, right) => left.at - right.at)[0];
      if (!next) break;
      this.timers.splice(this.timers.indexOf(next), 1);
      this.time = Math.max(this.time, next.at);
      next.callback();
    }
    this.time = until;
  }
}

let clock: StepClock;
let machine: FakeMachine;

beforeEach(() => {
  clock = new StepClock();
  machine = new FakeMachine(clock);
});

const executorOf = (more: Partial<FakeExecutorOptions> = {}) =>
  new FakeExecutor({ machine, runtime: 'process', clock, ...more });

const aSpec = (...words: string[]): ExecutionSpec => ({
  runUid: 'u',
  namespace: 'default',
  runName: 'r',
  clusterUid: 'c',
  runtime: 'process',
  command: ['sim', ...words],
  env: {},
  mounts: [],
  privileged: false,
  milliCores: 0,
  memoryBytes: 0,
  outPath: '/o',
  errPath: '/e',
});

test.each([
  [['for:2s', 'exit:3'], { exitCode: 3, startedAt: 0, finishedAt: 2000 }],
  [['for:500ms', 'signal:SIGSEGV'], { signal: 'SIGSEGV', finishedAt: 500 }],
  [['oom'], { signal: 'SIGKILL', oomKilled: true }],
  [['no-start:CommandNotFound'], { startError: { reason: 'CommandNotFound' } }],
])('programs end as they say: %j', async (words, wanted) => {
  const executor = executorOf();
  await executor.start(aSpec(...words));
  await clock.advance(10_000);
  expect(await executor.inspect('u')).toMatchObject({ state: 'exited', ...wanted });
});

test('a second start finds the first', async () => {
  const executor = executorOf();
  await executor.start(aSpec('for:ever'));
  await executor.start(aSpec('for:ever'));
  expect(machine.starts.get('u')).toBe(1);
});

test('a reboot ends everything without a record of how', async () => {
  await executorOf().start(aSpec('for:ever'));
  const before = machine.bootId;
  machine.reboot();
  expect(machine.bootId).not.toBe(before);
  expect(machine.executions()).toMatchObject([{ state: 'exited', unknownEnd: 'NodeRestarted' }]);
});

test('stop: at once, or after the grace period', async () => {
  const executor = executorOf();
  await executor.start(aSpec('for:ever', 'ignore-term'));
  const stopped = executor.stop('u', 3000);
  await clock.advance(2999);
  expect(await executor.inspect('u')).toMatchObject({ state: 'running' });
  await clock.advance(1);
  await stopped;
  expect(await executor.inspect('u')).toMatchObject({ state: 'exited', signal: 'SIGKILL' });
  await executor.remove('u');
  expect(await executor.list()).toEqual([]);
});

test('a start that a dead runner had sent is carried out, and nobody hears of it', async () => {
  const runner = new StepClock();
  let heard = false;
  const executor = executorOf({ clock: runner, latencyMs: () => 50 });
  void executor.start(aSpec('for:ever')).then(() => {
    heard = true;
  });
  runner.dead = true;
  await clock.advance(1000);
  expect(machine.executions()).toHaveLength(1);
  expect(heard).toBe(false);
});

test('lost answers: carried out or not, the error is the same', async () => {
  await expect(executorOf({ inject: () => 'before' }).start(aSpec('for:ever'))).rejects.toThrow(
    'does not answer',
  );
  expect(machine.executions()).toEqual([]);
  await expect(executorOf({ inject: () => 'after' }).start(aSpec('for:ever'))).rejects.toThrow(
    'does not answer',
  );
  expect(machine.executions()).toHaveLength(1);
});

test('a pause: its program goes on where it was, and can be stopped', async () => {
  const executor = executorOf();
  await executor.start(aSpec('for:2s'));
  await clock.advance(1500);
  await executor.pause('u');
  await clock.advance(60_000);
  expect(await executor.inspect('u')).toMatchObject({ state: 'paused' });
  await executor.resume('u');
  await clock.advance(499);
  expect(await executor.inspect('u')).toMatchObject({ state: 'running' });
  await executor.pause('u');
  await executor.stop('u', 0);
  expect(await executor.inspect('u')).toMatchObject({ state: 'exited', signal: 'SIGTERM' });
});

test('what the machine raises reaches the runner, on its way back', async () => {
  machine.start = () => {
    throw new Error('no such image');
  };
  const start = expect(executorOf({ latencyMs: () => 5 }).start(aSpec('for:1s'))).rejects.toThrow(
    'no such image',
  );
  await clock.advance(10);
  await start;
});
