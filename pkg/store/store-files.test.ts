import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RiverError, realClock, realRng, silentLogger } from '../base/index.ts';
import { diskError } from './database.ts';
import {
  type FilesystemReader,
  openSqliteStore,
  type SqliteStore,
  type SqliteStoreOptions,
} from './index.ts';

let root: string;
let directory: string;
const opened: SqliteStore[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'river-files-'));
  directory = join(root, 'state');
});

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(root, { recursive: true });
});

function open(more: Partial<SqliteStoreOptions> = {}): SqliteStore {
  const store = openSqliteStore({ directory, clock: realClock, rng: realRng, logger: silentLogger, ...more });
  opened.push(store);
  return store;
}

function refusal(work: () => unknown): RiverError {
  try {
    work();
  } catch (error) {
    if (error instanceof RiverError) return error;
    throw error;
  }
  throw new Error('was not refused');
}

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

function object(name: string, text = '') {
  return {
    apiVersion: 'river.dev/v1',
    kind: 'Task',
    metadata: { name, namespace: 'default' },
    spec: { text },
  };
}

test('only the owner may read what is stored', async () => {
  mkdirSync(directory, { mode: 0o755 });
  const store = open();
  await store.transact((transaction) => transaction.put(object('one')));
  expect(mode(directory)).toBe('700');
  const files = readdirSync(directory);
  expect(files).toContain('river.db-wal');
  expect(files.map((file) => mode(join(directory, file)))).toEqual(files.map(() => '600'));
});

test('a second store on the same directory is refused, with the pid of the first', async () => {
  const first = open();
  const error = refusal(() => open());
  expect(error.code).toBe('Conflict');
  expect(error.message).toContain(`${directory} is in use by another river process (pid ${process.pid})`);
  await first.close();
  expect(open().version()).toBe(0);
});

test('a second process is refused too, also after a second try of the first one', () => {
  open();
  refusal(() => open());
  const script = `
    import { realClock, realRng, silentLogger } from '${import.meta.dirname}/../base/index.ts';
    import { openSqliteStore } from '${import.meta.dirname}/index.ts';
    openSqliteStore({ directory: ${JSON.stringify(directory)}, clock: realClock, rng: realRng, logger: silentLogger });`;
  const child = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', script], {
    encoding: 'utf8',
  });
  expect(child.stderr).toContain(`is in use by another river process (pid ${process.pid})`);
  expect(child.status).not.toBe(0);
});

test.each([
  ['by its mount', 0, (at: string) => `30 20 0:40 / ${at} rw,relatime shared:1 - nfs4 server:/export rw`],
  ['by its magic number', 0x6969, () => ''],
])('a network file system is refused %s', (_, type, line) => {
  const mountinfo = () =>
    `20 1 8:1 / / rw - ext4 /dev/root rw\n${line(root)}\n31 20 0:41 / ${root}-other rw - tmpfs tmpfs rw`;
  const filesystem: FilesystemReader = { type: () => type, mountinfo };
  const error = refusal(() => open({ filesystem }));
  expect(error.code).toBe('Invalid');
  expect(error.message).toContain(`${directory} is on a network file system (nfs`);
});

test('a local disk under a network mount is accepted', () => {
  const lines = [
    `30 20 0:40 / ${root.replace(/\/[^/]*$/, '')} rw - nfs4 server:/export rw`,
    `31 30 8:2 / ${root} rw - ext4 /dev/sdb rw`,
  ];
  const filesystem: FilesystemReader = { type: () => 0xef53, mountinfo: () => lines.join('\n') };
  expect(open({ filesystem }).version()).toBe(0);
});

test('a state directory that cannot be used is named, with what to do', () => {
  writeFileSync(directory, '');
  const error = refusal(() => open());
  expect(error.code).toBe('Forbidden');
  expect(error.message).toMatch(new RegExp(`^State directory ${directory} cannot be used .*stateDir`));
});

test.each([
  ['ENOSPC', 'ServiceUnavailable', 'The disk is full'],
  ['EACCES', 'Forbidden', 'make it writable'],
])('%s of the file system is told as what it is', (code, expected, message) => {
  const error = diskError(Object.assign(new Error('no'), { code }), directory);
  expect(error.code).toBe(expected);
  expect(error.message).toContain(message);
});

test('a damaged file is named, with what to do', async () => {
  const store = open();
  await store.transact((transaction) => {
    for (let index = 0; index < 200; index += 1) transaction.put(object(`t${index}`, 'x'.repeat(500)));
  });
  await store.close();
  const file = join(directory, 'river.db');
  writeFileSync(file, Buffer.alloc(8192, 0x5a), { flag: 'r+' });
  expect(refusal(() => open()).message).toMatch(/river\.db is damaged .* `river-host restore`/);
});

test('a damaged page inside is found at open', async () => {
  const store = open();
  await store.transact((transaction) => {
    for (let index = 0; index < 200; index += 1) transaction.put(object(`t${index}`, 'x'.repeat(500)));
  });
  await store.close();
  const handle = openSync(join(directory, 'river.db'), 'r+');
  for (let page = 5; page < 12; page += 1) writeSync(handle, Buffer.alloc(4096, 0x5a), 0, 4096, page * 4096);
  closeSync(handle);
  expect(refusal(() => open()).message).toContain(`${join(directory, 'river.db')} is damaged`);
  // The lock was given back.
  expect(refusal(() => open()).code).toBe('InternalError');
});

test('a full disk refuses all of a turn as a whole, and writing goes on when there is room', async () => {
  const store = open({ maxPages: 40 });
  await store.transact((transaction) => transaction.put(object('kept')));
  const seen: string[] = [];
  store.watch('Task', store.version(), {
    event: ({ type, record }) => seen.push(`${type} ${record.name}`),
    closed: (error) => seen.push(error.message),
  });
  const before = store.version();
  const put = (name: string, size: number) =>
    store.transact((transaction) => transaction.put(object(name, 'x'.repeat(size))));
  const outcomes = await Promise.allSettled([put('small', 10), put('large', 400_000), put('after', 10)]);
  const reasons = outcomes.map((outcome) =>
    outcome.status === 'rejected' ? (outcome.reason as RiverError) : undefined,
  );
  expect(reasons.map((reason) => reason?.code)).toEqual(Array(3).fill('ServiceUnavailable'));
  expect(reasons[0]?.message).toMatch(
    /^The disk is full while writing to state directory .*state \(\d+ KiB free\): nothing was changed/,
  );
  expect(store.version()).toBe(before);
  expect((await store.list('Task')).records.map(({ name }) => name)).toEqual(['kept']);
  await put('small', 10);
  await store.transact((transaction) => transaction.delete('Task', 'default', 'kept'));
  expect(store.get('Task', 'default', 'small')?.version).toBe(before + 1);
  expect(seen).toEqual(['ADDED small', 'DELETED kept']);
  const newest = store.version();
  await store.close();
  const again = open();
  expect(again.version()).toBe(newest);
  expect((await again.list('Task')).records.map(({ name }) => name)).toEqual(['small']);
});

test('work that swallows the error of a full disk does not get half of its writes stored', async () => {
  const store = open({ maxPages: 40 });
  const swallowing = store.transact((transaction) => {
    transaction.put(object('half'));
    try {
      transaction.put(object('large', 'x'.repeat(400_000)));
    } catch {
      return 'swallowed';
    }
    return 'stored';
  });
  await expect(swallowing).rejects.toMatchObject({ code: 'ServiceUnavailable' });
  expect((await store.list('Task')).records).toEqual([]);
});

test('compaction frees room that later writes use', async () => {
  const store = open();
  const fill = async () => {
    for (let round = 0; round < 50; round += 1) {
      await store.transact((transaction) => transaction.put(object(`t${round % 5}`, 'x'.repeat(8000))));
    }
    await store.compact(store.version());
  };
  await fill();
  await fill();
  const backup = join(root, 'size');
  await store.backup(backup);
  const { size } = statSync(backup);
  for (let round = 0; round < 5; round += 1) await fill();
  const later = join(root, 'later');
  await store.backup(later);
  expect(statSync(later).size).toBeLessThanOrEqual(size + 16 * 4096);
});

test('a disk that fails in the midst of a commit refuses it, and a killed process does not bring it back', () => {
  const script = `
    import { realClock, realRng, silentLogger } from '${import.meta.dirname}/../base/index.ts';
    import { openSqliteStore } from '${import.meta.dirname}/index.ts';
    import { statSync } from 'node:fs';
    const store = openSqliteStore({ directory: ${JSON.stringify(directory)}, clock: realClock, rng: realRng, logger: silentLogger });
    const put = (name, size) => store.transact((transaction) => transaction.put({ apiVersion: 'river.dev/v1', kind: 'Task', metadata: { name }, spec: 'x'.repeat(size) }));
    const outcomes = [];
    for (const [name, size] of [['one', 10], ['large', 600_000], ['two', 10]]) {
      outcomes.push(await put(name, size).then(() => 'stored', (error) => error.code + ' ' + error.message + ' log ' + statSync(${JSON.stringify(join(directory, 'river.db-wal'))}).size));
    }
    console.log(JSON.stringify(outcomes));
    process.kill(process.pid, 'SIGKILL');`;
  // The limit on the size of a file makes write(2) fail with EFBIG: an I/O error that needs no special disk.
  const command = 'ulimit -f 400; exec "$0" --input-type=module-typescript -e "$1"';
  const child = spawnSync('bash', ['-c', command, process.execPath, script], { encoding: 'utf8' });
  expect(child.stderr).toBe('');
  const [one, large, two] = JSON.parse(child.stdout) as string[];
  expect([one, two]).toEqual(['stored', 'stored']);
  expect(large).toMatch(/^ServiceUnavailable The disk failed \(SQLITE_IOERR_WRITE\) while writing to state/);
  // Nothing of it may be left in the write-ahead log, where a crash would find it.
  expect(large).toMatch(/ log 0$/);
  const store = open();
  expect(['one', 'large', 'two'].filter((name) => store.get('Task', '', name))).toEqual(['one', 'two']);
  expect(store.version()).toBe(2);
});

test('compaction leaves one row for each living object and none for the dead', async () => {
  const store = open();
  for (let index = 0; index < 300; index += 1) {
    await store.transact((transaction) => {
      transaction.put(object(`t${index}`));
      transaction.put(object('changing', String(index)));
      if (index >= 10) transaction.delete('Task', 'default', `t${index - 10}`);
    });
  }
  await store.compact(store.version());
  await store.close();
  const database = new SqliteDatabase(join(directory, 'river.db'), { readonly: true });
  const count = (table: string) => database.prepare(`SELECT count(*) AS amount FROM ${table}`).get();
  expect([count('log'), count('current')]).toEqual([{ amount: 11 }, { amount: 11 }]);
  const progress = database
    .prepare("SELECT value FROM meta WHERE key IN ('compacted', 'floor')")
    .pluck()
    .all();
  expect(progress).toEqual(['890', '890']);
  database.close();
});

test('a compaction that was cut off by a crash is finished by the next one', async () => {
  const store = open();
  for (let index = 0; index < 700; index += 1) {
    await store.transact((transaction) => transaction.put(object('one', String(index))));
  }
  const compaction = store.compact(600);
  const raced = await Promise.race([compaction, store.transact(() => 'a turn later')]);
  expect(raced).toBe('a turn later');
  store.abandon();
  opened.pop();
  const again = open();
  expect(again.floor()).toBe(600);
  await again.compact(600);
  await again.close();
  const database = new SqliteDatabase(join(directory, 'river.db'), { readonly: true });
  expect(database.prepare('SELECT min(version) AS oldest, count(*) AS amount FROM log').get()).toEqual({
    oldest: 600,
    amount: 101,
  });
  database.close();
});

test('a store from before the index of what has not ended gets one', async () => {
  const before = open();
  const run = (name: string, phase?: string) => ({
    ...object(name),
    kind: 'Run',
    spec: { placement: { node: 'n1' } },
    ...(phase ? { status: { phase } } : {}),
  });
  await before.transact((transaction) => {
    for (const each of [run('a', 'Running'), run('b', 'Failed'), run('c')]) transaction.put(each);
    transaction.put({ ...run('d', 'Running'), spec: {} });
  });
  await before.close();
  const database = new SqliteDatabase(join(directory, 'river.db'));
  database.exec(
    "DELETE FROM lookup WHERE field = 'active-node'; UPDATE meta SET value = '1' WHERE key = 'schema'",
  );
  database.close();
  const { records } = await open().list('Run', { node: 'n1', active: true });
  expect(records.map(({ name }) => name)).toEqual(['a', 'c']);
});
