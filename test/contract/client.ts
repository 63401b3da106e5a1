import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  apiVersion,
  buildRun,
  type Event,
  type Identity,
  type Node,
  type Run,
  type Task,
} from '../../pkg/api/index.ts';
import { hasCode, type RiverError } from '../../pkg/base/index.ts';
import type { Client, WatchEvent, Watcher } from '../../pkg/client/index.ts';

export interface ClientHarness {
  /** Of people and of runners, as the transport under test knows them. */
  as(identity: Extract<Identity, { role: 'admin' | 'node' }>): Client;
  /** Of the host's own loops, always in its process. */
  controller(name: 'task' | 'node' | 'reaper' | 'scheduler'): Client;
  writeLog(namespace: string, run: string, stream: 'out' | 'err', text: string): void;
  /** Forgets all versions but the newest. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

const newTask = (name: string, spec: Partial<Task['spec']> = {}, labels?: Record<string, string>): Task => ({
  apiVersion,
  kind: 'Task',
  metadata: { name, namespace: 'default', labels },
  spec: { command: ['true'], ...spec },
});

const readyStatus = (session: string): Node['status'] => ({
  session,
  allocatable: { cores: 4, memory: 1e9 },
  capacity: { cores: 4, memory: 1e9 },
  runtimes: ['process'],
  conditions: [
    {
      type: 'Ready',
      status: 'True',
      reason: 'Ready',
      message: 'ok',
      lastTransitionTime: '2026-01-01T00:00:00.000Z',
    },
  ],
});

/** What any Client has to do, over whatever transport. */
export function clientContract(name: string, open: () => Promise<ClientHarness>): void {
  describe(`${name} keeps the contract of Client`, () => {
    let harness: ClientHarness;
    let me: Client;
    let tasks: Client;
    let runner: Client;

    beforeEach(async () => {
      harness = await open();
      me = harness.as({ role: 'admin', name: 'me' });
      runner = harness.as({ role: 'node', name: 'n1' });
      tasks = harness.controller('task');
    });
    afterEach(() => harness.close());

    const refusal = (promise: Promise<unknown>): Promise<RiverError> =>
      promise.then(
        () => expect.fail('it was not refused'),
        (error: RiverError) => error,
      );

    async function readyNode(session = 's1'): Promise<void> {
      await runner.create('Node', { apiVersion, kind: 'Node', metadata: { name: 'n1' } });
      await runner.patch('Node', '', 'n1', { status: readyStatus(session) }, { subresource: 'status' });
    }

    async function boundRun(): Promise<Run> {
      await readyNode();
      const task = await me.create('Task', newTask('t'));
      const run = await tasks.create('Run', buildRun(task, { revision: 1, ordinal: 0, attempt: 0 }));
      return harness
        .controller('scheduler')
        .bind('default', run.metadata.name ?? '', { node: 'n1', uid: run.metadata.uid ?? '' });
    }

    it('creates with defaults, reads back, and refuses a second one', async () => {
      const made = await me.create('Task', newTask('a'));
      expect(made.metadata).toMatchObject({ generation: 1, finalizers: ['river.dev/runs'] });
      expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
      expect(made.spec).toMatchObject({ runtime: 'process', resources: { cores: 1 }, suspend: false });
      expect(await me.get('Task', 'default', 'a')).toEqual(made);
      expect(hasCode(await refusal(me.create('Task', newTask('a'))), 'AlreadyExists')).toBe(true);
    });

    it('names the field of what is invalid, and writes nothing', async () => {
      const error = await refusal(me.create('Task', newTask('a', { resources: { memory: '5 apples' } })));
      expect(error.code).toBe('Invalid');
      expect(error.details.causes?.[0]?.field).toBe('spec.resources.memory');
      expect(hasCode(await refusal(me.get('Task', 'default', 'a')), 'NotFound')).toBe(true);
    });

    it('lists by labels and fields, in pages that show one state', async () => {
      for (const name of ['a', 'b', 'c'])
        await me.create('Task', newTask(name, {}, { odd: name === 'b' ? 'no' : 'yes' }));
      expect(
        (await me.list('Task', { labelSelector: 'odd=yes' })).items.map((task) => task.metadata.name),
      ).toEqual(['a', 'c']);
      expect((await me.list('Task', { fieldSelector: 'metadata.name!=a' })).items).toHaveLength(2);
      const first = await me.list('Task', { limit: 2 });
      await me.create('Task', newTask('d'));
      const second = await me.list('Task', { limit: 2, continue: first.continue });
      expect(second.items.map((task) => task.metadata.name)).toEqual(['c']);
      expect(second.resourceVersion).toBe(first.resourceVersion);
      expect(second.continue).toBeUndefined();
      expect((await me.list('Task', { namespace: 'other' })).items).toEqual([]);
    });

    it('says created, configured and unchanged; an unchanged apply is no write', async () => {
      const options = { fieldManager: 'river' };
      const first = await me.apply(newTask('a', { env: { A: '1' } }), options);
      const second = await me.apply(newTask('a', { env: { A: '2' } }), options);
      const third = await me.apply(newTask('a', { env: { A: '2' } }), options);
      expect([first.outcome, second.outcome, third.outcome]).toEqual(['created', 'configured', 'unchanged']);
      expect(third.object).toEqual(second.object);
      expect(second.object.metadata.generation).toBe(2);
    });

    it('names manager and field of a conflict of owners, and takes over with force', async () => {
      await me.apply(newTask('a', { env: { A: '1' } }), { fieldManager: 'river' });
      const other = newTask('a', { env: { A: '2' } });
      const error = await refusal(me.apply(other, { fieldManager: 'else' }));
      expect(error.details.causes).toEqual([
        { reason: 'FieldManagerConflict', field: '.spec.env.A', message: 'conflict with "river"' },
      ]);
      expect((await me.apply(other, { fieldManager: 'else', force: true })).outcome).toBe('configured');
    });

    it('checks all of a dry run and writes none of it', async () => {
      const before = await me.list('Task');
      expect((await me.apply(newTask('a'), { fieldManager: 'river', dryRun: true })).outcome).toBe('created');
      await refusal(me.apply(newTask('a', { args: [1 as never] }), { fieldManager: 'river', dryRun: true }));
      expect(await me.list('Task')).toEqual(before);
    });

    it('replaces and patches, refuses an old version, and suppresses what changes nothing', async () => {
      const made = await me.create('Task', newTask('a'));
      const changed = await me.update('Task', { ...made, spec: { ...made.spec, stopped: true } });
      expect(changed.metadata.generation).toBe(2);
      expect(
        hasCode(
          await refusal(me.update('Task', { ...made, spec: { ...made.spec, rerun: '1' } })),
          'Conflict',
        ),
      ).toBe(true);
      const stale = { metadata: { resourceVersion: made.metadata.resourceVersion }, spec: { rerun: '1' } };
      expect(hasCode(await refusal(me.patch('Task', 'default', 'a', stale)), 'Conflict')).toBe(true);
      const patched = await me.patch('Task', 'default', 'a', { spec: { stopped: null } });
      expect(patched.spec.stopped).toBe(false);
      expect(await me.patch('Task', 'default', 'a', { spec: { stopped: false } })).toEqual(patched);
    });

    it('keeps a deleted object until its finalizers are gone', async () => {
      const made = await me.create('Task', newTask('a'));
      expect(hasCode(await refusal(me.delete('Task', 'default', 'a', { uid: 'other' })), 'Conflict')).toBe(
        true,
      );
      const marked = await me.delete('Task', 'default', 'a', { uid: made.metadata.uid });
      expect(marked.metadata.deletionTimestamp).toBeDefined();
      await tasks.patch('Task', 'default', 'a', { metadata: { finalizers: null } });
      expect(hasCode(await refusal(me.get('Task', 'default', 'a')), 'NotFound')).toBe(true);
    });

    it('binds, takes the reports of the current session, and refuses what goes backwards', async () => {
      const run = await boundRun();
      expect(run).toMatchObject({ spec: { placement: { node: 'n1' } }, status: { phase: 'Scheduled' } });
      const name = run.metadata.name ?? '';
      const report = (status: object) =>
        runner.patch('Run', 'default', name, { status }, { subresource: 'status' });
      const running = await report({
        phase: 'Running',
        session: 's1',
        startedAt: '2026-01-01T00:00:00.000Z',
      });
      expect(running.status?.phase).toBe('Running');
      expect((await refusal(report({ phase: 'Preparing', session: 's1' }))).code).toBe('Conflict');
      expect((await refusal(report({ phase: 'Failed', session: 'old' }))).code).toBe('Conflict');
      expect((await report({ phase: 'Succeeded', session: 's1', exitCode: 0 })).status?.exitCode).toBe(0);
      expect((await refusal(report({ phase: 'Failed', session: 's1' }))).code).toBe('Conflict');
    });

    it('extends leases of the current session only, and shows the live values', async () => {
      await readyNode();
      const answer = await runner.heartbeat('n1', { session: 's1', usage: { cpuPercent: 12 } });
      expect(answer).toMatchObject({ leaseMs: 30_000, ready: true });
      expect((await me.get('Node', '', 'n1')).status?.usage).toEqual({ cpuPercent: 12 });
      expect((await refusal(runner.heartbeat('n1', { session: 's0' }))).code).toBe('Conflict');
      expect((await refusal(runner.heartbeat('n2', { session: 's1' }))).code).toBe('Forbidden');
    });

    it('shows a node itself and the Runs bound to it, and nothing else', async () => {
      const run = await boundRun();
      const stranger = harness.as({ role: 'node', name: 'n2' });
      expect((await runner.list('Run')).items.map((each) => each.metadata.uid)).toEqual([run.metadata.uid]);
      expect((await stranger.list('Run')).items).toEqual([]);
      expect((await stranger.list('Node')).items).toEqual([]);
      expect((await refusal(stranger.get('Run', 'default', run.metadata.name ?? ''))).code).toBe('NotFound');
      expect((await refusal(runner.list('Task'))).code).toBe('Forbidden');
      expect((await refusal(runner.delete('Run', 'default', run.metadata.name ?? ''))).code).toBe(
        'Forbidden',
      );
    });

    it('takes Events of a node under its own name only', async () => {
      const event: Event = {
        apiVersion,
        kind: 'Event',
        metadata: { name: 'e', namespace: 'default' },
        involvedObject: { kind: 'Run', name: 'x' },
        reason: 'Started',
        message: 'started',
        type: 'Normal',
        source: { host: 'elsewhere' },
      };
      expect((await runner.create('Event', event)).source).toEqual({ host: 'n1' });
      expect((await runner.patch('Event', 'default', 'e', { count: 2 })).count).toBe(2);
      const stranger = harness.as({ role: 'node', name: 'n2' });
      expect((await refusal(stranger.patch('Event', 'default', 'e', { count: 3 }))).code).toBe('Forbidden');
    });

    it('watches from a version without a gap, and the present state from 0', async () => {
      await me.create('Task', newTask('a'));
      const { resourceVersion } = await me.list('Task');
      const later = new Recorder(me, { resourceVersion });
      const all = new Recorder(me, {});
      await me.patch('Task', 'default', 'a', { spec: { rerun: '1' } });
      await me.create('Task', newTask('b'));
      await later.until(2);
      await all.until((events) => events.some((event) => event.endsWith(' b')));
      expect(later.seen).toEqual(['MODIFIED a', 'ADDED b']);
      expect(all.seen[0]).toBe('ADDED a');
      later.close();
      all.close();
    });

    it('shows an object that leaves a selection as deleted', async () => {
      const watch = new Recorder(me, { labelSelector: 'a=1' });
      await me.create('Task', newTask('x', {}, { a: '1' }));
      await me.patch('Task', 'default', 'x', { metadata: { labels: { a: '2' } } });
      await me.patch('Task', 'default', 'x', { metadata: { labels: { a: '1' } } });
      await watch.until(3);
      expect(watch.seen).toEqual(['ADDED x', 'DELETED x', 'ADDED x']);
      watch.close();
    });

    it('ends a watch below the floor with Expired, and one of nonsense with BadRequest', async () => {
      const made = await me.create('Task', newTask('a'));
      await me.patch('Task', 'default', 'a', { spec: { rerun: '1' } });
      await harness.compact();
      const old = new Recorder(me, { resourceVersion: made.metadata.resourceVersion });
      expect((await old.ended).code).toBe('Expired');
      expect((await new Recorder(me, { resourceVersion: 'abc' }).ended).code).toBe('BadRequest');
    });

    it('reads output, from an offset, by last lines, and followed to the end of the run', async () => {
      const run = await boundRun();
      const name = run.metadata.name ?? '';
      harness.writeLog('default', name, 'out', 'one\ntwo\n');
      expect(await textOf(me.logs('default', name, { stream: 'stdout' }))).toBe('one\ntwo\n');
      expect(await textOf(me.logs('default', name, { stream: 'stdout', offset: 4 }))).toBe('two\n');
      let startsAt = -1;
      const tail = me.logs('default', name, {
        stream: 'stdout',
        tailLines: 1,
        startsAt: (offset) => (startsAt = offset),
      });
      expect([await textOf(tail), startsAt]).toEqual(['two\n', 4]);
      expect(await textOf(me.logs('default', name, { stream: 'stderr' }))).toBe('');
      const followed = textOf(me.logs('default', name, { stream: 'stdout', follow: true }));
      harness.writeLog('default', name, 'out', 'three\n');
      await runner.patch(
        'Run',
        'default',
        name,
        { status: { phase: 'Succeeded', session: 's1' } },
        { subresource: 'status' },
      );
      expect(await followed).toBe('one\ntwo\nthree\n');
    });

    it('refuses output of a run that does not exist, and says its version', async () => {
      expect((await refusal(textOf(me.logs('default', 'nope', { stream: 'stdout' })))).code).toBe('NotFound');
      expect((await me.version()).gitVersion).toMatch(/^v\d+\.\d+\.\d+\+river$/);
    });
  });
}

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
}

class Recorder {
  readonly seen: string[] = [];
  readonly ended: Promise<RiverError>;
  readonly #watch: { close(): void };
  #check: () => void = () => {};

  constructor(client: Watcher, options: { resourceVersion?: string; labelSelector?: string }) {
    let end: (error: RiverError) => void = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.#watch = client.watch('Task', options, {
      event: (event: WatchEvent<Task>) => {
        this.seen.push(`${event.type} ${event.object.metadata.name}`);
        this.#check();
      },
      closed: (error) => end(error as RiverError),
    });
  }

  until(wanted: number | ((seen: string[]) => boolean)): Promise<void> {
    const done = () => (typeof wanted === 'number' ? this.seen.length >= wanted : wanted(this.seen));
    return new Promise((resolve) => {
      this.#check = () => {
        if (done()) resolve();
      };
      this.#check();
    });
  }

  close(): void {
    this.#watch.close();
  }
}
