import { beforeEach, describe, expect, test } from 'vitest';
import { RiverError, seededRng, silentLogger } from '../base/index.ts';
import { type RunReport, StatusManager } from './status-manager.ts';

interface Sent {
  name: string;
  status: RunReport & { session: string };
  uid: string;
  answer: (version: string) => Promise<void>;
  refuse: (error: RiverError) => Promise<void>;
}

let sent: Sent[];
let timers: { delayMs: number; fire: () => void }[];
let acknowledged: string[];
let dropped: string[];
let counted: string[];
let manager: StatusManager;

const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

beforeEach(() => {
  counted = [];
  sent = [];
  timers = [];
  acknowledged = [];
  dropped = [];
  const patch = (
    _kind: string,
    _namespace: string,
    name: string,
    body: { status: Sent['status']; metadata: { uid: string } },
  ) =>
    new Promise((resolve, reject) => {
      sent.push({
        name,
        status: body.status,
        uid: body.metadata.uid,
        answer: (resourceVersion) => {
          resolve({ metadata: { resourceVersion } });
          return settle();
        },
        refuse: (error) => {
          reject(error);
          return settle();
        },
      });
    });
  manager = new StatusManager({
    client: { patch: patch as never },
    clock: {
      now: () => 0,
      monotonic: () => 0,
      nextTurn: (callback) => callback(),
      after: (delayMs, fire, options) => {
        // Deadlines of requests are not what is tested here.
        if (!options?.unref) timers.push({ delayMs, fire });
        return { cancel: () => {} };
      },
    },
    rng: seededRng(1),
    logger: silentLogger,
    count: (event) => void counted.push(event),
    onAcknowledged: async (run, report) => void acknowledged.push(`${run.name} ${report.phase}`),
    onDropped: (run, error) => dropped.push(`${run.name} ${error.code}`),
  });
});

const a = { uid: 'u', namespace: 'default', name: 'a' };
const running: RunReport = { phase: 'Running' };
const failed: RunReport = { phase: 'Failed', reason: 'X' };
const unavailable = () => new RiverError('ServiceUnavailable', 'away');

describe('the status manager', () => {
  test('sends nothing before the host knows the session; then with session and uid', () => {
    manager.report(a, running, '1');
    expect(sent).toHaveLength(0);
    manager.setSession('s');
    expect(sent[0]).toMatchObject({ uid: 'u', status: { phase: 'Running', session: 's' } });
  });

  test('one write of a run at a time; what was replaced meanwhile is never sent', async () => {
    manager.setSession('s');
    manager.report(a, { phase: 'Preparing' }, '1');
    manager.report(a, running, '1');
    manager.report(a, failed, '1');
    expect(sent).toHaveLength(1);
    await sent[0]!.answer('2');
    expect(sent.map((write) => write.status.phase)).toEqual(['Preparing', 'Failed']);
  });

  test('how far a preparation was is taken back with the next phase', async () => {
    const progress = { bytes: 1, totalBytes: 2, layers: 0, totalLayers: 1 };
    manager.setSession('s');
    manager.report(a, { phase: 'Preparing', progress }, '1');
    await sent[0]!.answer('2');
    manager.report(a, running, '2');
    expect(sent.map((write) => write.status.progress)).toEqual([progress, null]);
  });

  test('a final report is never replaced', async () => {
    manager.report(a, failed, '1');
    manager.report(a, running, '1');
    manager.report(a, { phase: 'Succeeded' }, '1');
    manager.setSession('s');
    expect(sent[0]?.status.phase).toBe('Failed');
  });

  test('says nothing twice while the watch is behind, and again when the run changed after that', async () => {
    manager.setSession('s');
    manager.report(a, running, '1');
    await sent[0]!.answer('5');
    manager.report(a, running, '1');
    expect(sent).toHaveLength(1);
    manager.report(a, running, '6');
    expect(sent).toHaveLength(2);
  });

  test('a restored host is told again', async () => {
    manager.setSession('s');
    manager.report(a, running, '1');
    await sent[0]!.answer('5');
    manager.forgetAcknowledged();
    manager.report(a, running, '1');
    expect(sent).toHaveLength(2);
  });

  test('tries again for ever, later each time, with the newest', async () => {
    manager.setSession('s');
    manager.report(a, running, '1');
    for (let attempt = 0; attempt < 12; attempt += 1) {
      await sent.at(-1)!.refuse(unavailable());
      manager.report(a, failed, '1');
      timers.at(-1)!.fire();
    }
    expect(counted).toEqual(Array(12).fill('report_failed'));
    expect(timers).toHaveLength(12);
    expect(timers.at(-1)!.delayMs).toBeLessThanOrEqual(15_000);
    expect(timers.at(-1)!.delayMs).toBeGreaterThan(timers[0]!.delayMs);
    await sent.at(-1)!.answer('9');
    expect(acknowledged).toEqual(['a Failed']);
    expect(manager.pending).toBe(0);
  });

  test.each(['NotFound', 'Conflict', 'Forbidden', 'Invalid'] as const)(
    'drops what is refused as %s',
    async (code) => {
      manager.setSession('s');
      manager.report(a, failed, '1');
      await sent[0]!.refuse(new RiverError(code, 'no'));
      expect(dropped).toEqual([`a ${code}`]);
      expect(manager.pending).toBe(0);
      expect(acknowledged).toEqual([]);
      expect(counted).toEqual(['report_refused']);
    },
  );

  test('at most 64 at once, across runs', async () => {
    manager.setSession('s');
    for (let index = 0; index < 100; index += 1)
      manager.report({ ...a, uid: `u${index}`, name: `r${index}` }, failed, '1');
    expect(sent).toHaveLength(64);
    await sent[0]!.answer('2');
    expect(sent).toHaveLength(65);
  });

  test('knows what was given back until the watch shows it', async () => {
    manager.setSession('s');
    manager.report(a, { phase: 'Pending', reason: 'RuntimeNotAllowed' }, '1');
    await sent[0]!.answer('5');
    expect(manager.isRefused('u')).toBe(true);
    manager.seen('u', '4');
    expect(manager.isRefused('u')).toBe(true);
    manager.seen('u', '5');
    expect(manager.isRefused('u')).toBe(false);
  });
});
