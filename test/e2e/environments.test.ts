import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment, Run } from '../../pkg/api/index.ts';
import { type TestEngine, withEngine } from '../env/engine.ts';
import { type RecordingSocket, recordingSocket } from '../support/recording-socket.ts';
import { eventually, type Running, Sandbox, task } from './sandbox.ts';

const execute = promisify(execFile);
const found = await withEngine();
const environment = (name: string, spec: object) => ({
  apiVersion: 'river.dev/v1',
  kind: 'Environment',
  metadata: { name },
  spec,
});

describe.skipIf(found.engine === undefined)('environments', () => {
  const engine = found.engine as TestEngine;
  const docker = (...args: string[]) => execute('docker', ['-H', `unix://${engine.socketPath}`, ...args]);
  let sandbox: Sandbox;
  let dev: Running;
  let recorded: RecordingSocket;
  const get = (name: string) => sandbox.object<Environment>('env', name);
  const built = async (name: string) => {
    await sandbox.ok('wait', `env/${name}`, '--for', 'condition=Ready', '--timeout', '60s');
    return get(name);
  };
  const tarballs = () => readdirSync(sandbox.path('home/.river/dev/shared/environments')).sort();

  beforeAll(async () => {
    sandbox = new Sandbox();
    recorded = await recordingSocket(sandbox.path('docker.sock'), engine.socketPath);
    sandbox.env.DOCKER_HOST = `unix://${recorded.path}`;
    dev = await sandbox.dev();
  });

  afterAll(async () => {
    if (!dev.alive) process.stderr.write(dev.stderr);
    await sandbox.river('delete', 'tasks', '--all', '--timeout', '30s');
    await sandbox.river('delete', 'env', '--all', '--timeout', '30s');
    await sandbox.close();
    await recorded.close();
    await engine.release();
  });

  const steps = [
    { run: 'echo one > /one; echo "said $((1 + 1))"' },
    { run: ['touch', '/a b $HOME'] },
    { env: { GREETING: 'a "quoted" $value \\ end' } },
    { workdir: '/made here' },
    { run: 'pwd > here; printf %s "$GREETING" > greeting' },
  ];
  const base = () => ({ from: { image: engine.image }, steps });

  it('is built a layer a step, published, and the same again at once', async () => {
    await sandbox.apply(environment('first', base()));
    const { status } = await built('first');
    expect(status).toMatchObject({ phase: 'Ready', digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });
    expect(status?.steps?.map(({ cached }) => cached)).toEqual(steps.map(() => false));
    const show = 'cat /one here greeting; ls -d "/a b \\$HOME"';
    const { stdout } = await docker('run', '--rm', '--network=host', status?.image ?? '', 'sh', '-c', show);
    expect(stdout).toBe('one\n/made here\na "quoted" $value \\ end/a b $HOME\n');
    expect(await sandbox.ok('logs', 'env/first')).toContain('step 1/5: run echo one');
    expect(await sandbox.ok('logs', '-f', 'env/first')).toMatch(/said 2\n.*published /s);
    const described = await sandbox.ok('describe', 'env/first');
    for (const text of ['workdir /made here', 'in use', 'Published', `Digest:`, 'Built'])
      expect(described).toContain(text);
    const wide = await sandbox.ok('get', 'env', 'first', '-o', 'wide');
    expect(wide).toMatch(/^NAME +STATUS +DIGEST +AGE +SIZE +BUILT +NODES +PROGRESS/);
    expect(wide).toContain(status?.digest?.slice(7, 19));
    expect((await sandbox.river('logs', 'env/none')).stderr).toContain('was not built yet');
    expect(tarballs()).toContain(`first-${status?.digest?.slice(7, 19)}.tar`);

    expect(await sandbox.apply(environment('first', base()))).toContain('unchanged');
    await sandbox.apply(environment('second', base()));
    const second = await built('second');
    expect(second.status?.digest).toBe(status?.digest);
    expect(second.status?.steps?.map(({ cached }) => cached)).toEqual(steps.map(() => true));
  });

  it('what is the same, or is built the same, makes the engine do nothing', async () => {
    await sandbox.apply(environment('same', base()));
    const { status } = await built('same');
    const before = recorded.calls.length;
    expect(await sandbox.apply(environment('same', base()))).toContain('unchanged');
    expect(await sandbox.apply(environment('same', { ...base(), keep: 5 }))).toContain('configured');
    await eventually('the controller to have seen it', 30_000, async () => {
      const now = await get('same');
      return now.status?.observedGeneration === now.metadata.generation;
    });
    expect((await get('same')).status).toMatchObject({ digest: status?.digest, phase: 'Ready' });
    // What nobody needs any more of the builds before is taken away at its own time.
    const calls = recorded.calls.slice(before).filter((call) => !call.startsWith('DELETE '));
    expect(calls.filter((call) => !call.startsWith('GET ') || /\/images\/.*\/get$/.test(call))).toEqual([]);
    expect(recorded.calls.some((call) => /^POST \/\S*build\?/.test(call))).toBe(true);
  });

  it('a step that fails says which, its exit code and last lines; the digest of before stays in use', async () => {
    const before = (await built('first')).status?.digest;
    await sandbox.apply(environment('first', { ...base(), steps: [{ run: 'echo why; exit 7' }] }));
    await sandbox.ok('wait', 'env/first', '--for', 'phase=Failed', '--timeout', '60s');
    const { status } = await get('first');
    const message = status?.conditions?.find(({ type }) => type === 'Built')?.message;
    expect(message).toBe('step 1/1 (run echo why; exit 7) ended with exit code 7; its last lines:\nwhy');
    expect(status?.digest).toBe(before);
  });

  it('a digest of before is in use again after river rollback, until the manifest changes', async () => {
    const next = { ...base(), steps: [{ run: 'touch /next' }] };
    await sandbox.apply(environment('rolled', base()));
    const first = (await built('rolled')).status;
    await sandbox.apply(environment('rolled', next));
    await eventually('the next digest', 60_000, async () => {
      const { digest } = (await get('rolled')).status ?? {};
      return digest !== undefined && digest !== first?.digest;
    });
    const unknown = await sandbox.river('rollback', 'env/rolled', '--to', 'ffffffffffff');
    expect(unknown.stderr).toContain(`kept are`);
    await sandbox.ok('rollback', 'env/rolled', '--to', first?.digest?.slice(7, 19) ?? '');
    expect(await sandbox.apply(environment('rolled', next))).toContain('unchanged');
    const { status } = await get('rolled');
    expect([status?.digest, status?.image, status?.tarball]).toEqual([
      first?.digest,
      first?.image,
      first?.tarball,
    ]);
  });

  it('a child is built again when its parent has a new digest; a cycle is refused with its path', async () => {
    await sandbox.apply(
      environment('slow', { ...base(), steps: [{ run: 'echo begun; sleep 3; echo over' }] }),
    );
    const followed = sandbox.start('river', ['logs', '-f', 'env/slow']);
    await followed.says('begun');
    expect((await get('slow')).status?.phase).not.toBe('Ready');
    expect(await followed.ended).toBe(0);
    expect(followed.stdout).toContain('over');
    await sandbox.apply(environment('parent', base()));
    await sandbox.apply(
      environment('child', { from: { environment: 'parent' }, steps: [{ run: 'touch /child' }] }),
    );
    const child = (await built('child')).status?.digest;
    await sandbox.apply(environment('parent', { ...base(), steps: [{ run: 'touch /new' }] }));
    await eventually('a new digest of the child', 60_000, async () => {
      const now = (await get('child')).status?.digest;
      return now !== undefined && now !== child;
    });
    const around = sandbox.apply(environment('parent', { from: { environment: 'child' } }));
    await expect(around).rejects.toThrow(
      'spec.from.environment: it would be built from itself: parent → child → parent',
    );
  });

  it('an image that is nowhere: says where it was looked for', async () => {
    await sandbox.apply(environment('nowhere', { from: { image: 'localhost:9/no/image:1' } }));
    await sandbox.ok('wait', 'env/nowhere', '--for', 'phase=Failed', '--timeout', '60s');
    expect(JSON.stringify((await get('nowhere')).status)).toContain('and in its registry, which failed');
  });

  it('a task waits for it, runs in it, and its run keeps the digest', async () => {
    await sandbox.apply(task('early', { environment: 'late', command: ['cat', '/one'] }));
    const run = async () =>
      (await sandbox.object<{ items: Run[] }>('runs', '-l', 'river.dev/task=early')).items[0];
    await eventually('why it waits', 30_000, async () =>
      JSON.stringify((await run())?.status).includes('environment late does not exist yet'),
    );
    await sandbox.apply(environment('late', base()));
    const { status } = await built('late');
    await sandbox.ok('wait', 'task/early', '--for', 'condition=Complete', '--timeout', '60s');
    expect((await run())?.spec.placement?.environment).toEqual({ name: 'late', digest: status?.digest });
  });
});
