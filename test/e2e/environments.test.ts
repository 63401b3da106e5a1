import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HttpClient } from '../../pkg/client/index.ts';
import { type TestEngine, withEngine } from '../env/engine.ts';
import { type RecordingSocket, recordingSocket } from '../support/recording-socket.ts';
import { eventually, example, type Running, Sandbox, task } from './sandbox.ts';
import { testShells } from './shell/shells.ts';

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
  let client: HttpClient;
  let recorded: RecordingSocket;
  const get = (name: string) => client.get('Environment', '', name);
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
    client = await sandbox.client();
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
    expect(await sandbox.ok('logs', '--tail', '1', 'env/first')).toMatch(/^published .*\n$/);
    expect((await sandbox.river('logs', '-f', 'env/none')).stderr).toContain('"none" not found');
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
    expect(unknown.stderr).toMatch(/^river: environment rolled has no digest f+; kept are /);
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
    // The environment has a workdir; a task is in /shared all the same, unless it says otherwise.
    const command = ['sh', '-c', 'pwd; cat /one; cd /made\\ here; cat here'];
    await sandbox.apply(task('early', { environment: 'late', command }));
    await eventually('why it waits', 30_000, async () =>
      JSON.stringify((await sandbox.runOf('early')).status).includes('environment late does not exist yet'),
    );
    await sandbox.apply(environment('late', base()));
    const { status } = await built('late');
    await sandbox.ok('wait', 'task/early', '--for', 'condition=Complete', '--timeout', '60s');
    expect(await sandbox.ok('logs', 'task/early')).toBe('/shared\none\n/made here\n');
    expect((await sandbox.runOf('early')).spec.placement?.environment).toEqual({
      name: 'late',
      digest: status?.digest,
    });
  });

  describe('an interactive one', () => {
    const inside = async (command: string) =>
      (await docker('exec', 'river-env-workbench', 'sh', '-c', command)).stdout;
    const containers = async () =>
      (await docker('ps', '-a', '--filter', 'name=river-env-workbench', '--format', '{{.Names}}')).stdout;
    const container = async () => (await get('workbench')).status?.container;
    const ready = (reason: string) =>
      eventually(`ContainerReady with reason ${reason}`, 60_000, async () => {
        const { conditions } = (await get('workbench')).status ?? {};
        return conditions?.find(({ type }) => type === 'ContainerReady')?.reason === reason;
      });
    const changed = (path: string) =>
      eventually(`${path} in the status`, 30_000, async () =>
        Boolean((await container())?.changes?.paths.includes(path)),
      );
    const uncommitted = async (path: string) => {
      await inside(`echo by hand > ${path}`);
      await changed(`A ${path}`);
    };
    /** Of the digest in use, with nothing in it that is not committed. */
    const fresh = () =>
      eventually('a container of the digest in use', 60_000, async () => {
        const { digest, container } = (await get('workbench')).status ?? {};
        const isOfNow = container?.phase === 'Running' && container.digest === digest;
        return isOfNow && container?.changes?.paths.length === 0;
      });
    const workbench = (more: object) => ({ from: { image: engine.image }, interactive: true, ...more });
    const digest = async () => (await get('workbench')).status?.digest;

    it('what is done by hand is seen, committed, and what tasks run on', async () => {
      await docker('tag', engine.image, 'busybox:latest');
      await sandbox.ok('apply', '-f', example('interactive.yaml'));
      await sandbox.ok('wait', 'env/workbench', '--for', 'condition=ContainerReady', '--timeout', '60s');
      const before = (await get('workbench')).status;
      expect((await sandbox.river('commit', 'env/workbench')).stderr).toContain(
        `nothing has changed in the working container since ${before?.digest?.slice(7, 19)}`,
      );
      await inside('echo hello by hand > /opt/greeting; rm /bin/true');
      await changed('C /opt/greeting');
      expect(await sandbox.ok('get', 'env', '-o', 'wide')).toContain('Running (4 changed)');
      const described = await sandbox.ok('describe', 'env/workbench');
      for (const text of ['0 added, 3 changed, 1 deleted', 'C /opt/greeting', 'D /bin/true'])
        expect(described).toContain(text);
      const said = await sandbox.ok('commit', 'env/workbench', '-m', 'a better greeting');
      const after = (await get('workbench')).status;
      expect(said).toBe(`environment.river.dev/workbench committed as ${after?.digest}\n`);
      expect(after?.history?.[0]).toMatchObject({
        digest: after?.digest,
        commit: { message: 'a better greeting', parentDigest: before?.digest },
      });
      expect(tarballs()).toContain(`workbench-${after?.digest?.slice(7, 19)}.tar`);
      await fresh();
      await sandbox.ok('rerun', 'task/on-workbench');
      await sandbox.ok('wait', 'task/on-workbench', '--for', 'condition=Complete', '--timeout', '60s');
      expect(await sandbox.ok('logs', 'task/on-workbench')).toBe('hello by hand\n');
      expect(await sandbox.ok('apply', '-f', example('interactive.yaml'))).toMatch(
        /unchanged\n.*unchanged\n/,
      );
    });

    it('a commit has the configuration of its image; the next one has only its own layer', async () => {
      await docker('create', '--name', 'with-command', '--network=host', engine.image, 'true');
      const change = 'ENTRYPOINT ["env"]\nCMD ["echo", "a  b"]\nUSER 0:0\nWORKDIR /srv\nENV A=b';
      await docker(
        'commit',
        ...change.split('\n').flatMap((line) => ['-c', line]),
        'with-command',
        'commanded',
      );
      await docker('rm', 'with-command');
      const steps = [{ run: 'echo 1 > /one' }];
      const from = { image: 'commanded' };
      const applied = sandbox.apply(environment('workbench', workbench({ from, steps })));
      expect(await applied).toContain('configured');
      await eventually('a build', 60_000, async () => (await get('workbench')).status?.chosen === undefined);
      await fresh();
      const inspect = async (image = '') => JSON.parse((await docker('inspect', image)).stdout)[0];
      const { status } = await get('workbench');
      expect(status?.conditions?.find(({ type }) => type === 'Built')?.message).toMatch(
        /the commit [0-9a-f]{12} is not in it: river rollback env\/workbench --to/,
      );
      const images = [await inspect(status?.image)];
      for (const path of ['/first', '/second']) {
        await uncommitted(path);
        await sandbox.ok('commit', 'env/workbench');
        images.push(await inspect((await get('workbench')).status?.image));
        await fresh();
      }
      const configuration = ({ Config }: (typeof images)[number]) =>
        [Config.Cmd, Config.Entrypoint, Config.Env, Config.User, Config.WorkingDir] as const;
      expect(configuration(images[0])[0]).toEqual(['echo', 'a  b']);
      for (const image of images.slice(1)) {
        expect(configuration(image)).toEqual(configuration(images[0]));
        expect(image.Config.Labels['river.dev/role']).toBe('');
      }
      const layers = images.map(({ RootFS }) => RootFS.Layers as string[]);
      expect(layers[2]?.slice(0, -1)).toEqual(layers[1]);
      await sandbox.ok('rollback', 'env/workbench', '--to', images[1].RepoTags[0].split(':')[1]);
      await fresh();
      expect(await inside('ls /')).not.toContain('second');
    });

    it('while somebody is in it a commit leaves it alone; what comes after that is seen when nobody is any more', async () => {
      const work = 'until [ -e /fourth ]; do sleep 0.1; done';
      await docker('exec', '-d', 'river-env-workbench', 'sh', '-c', work);
      await uncommitted('/third');
      const { id } = (await container()) ?? {};
      await sandbox.ok('commit', 'env/workbench');
      expect(await container()).toMatchObject({ id, digest: await digest() });
      await inside('echo by hand > /fourth');
      await changed('A /fourth');
      expect((await container())?.id).toBe(id);
      await sandbox.ok('commit', 'env/workbench');
      await fresh();
      expect(await inside('cat /third /fourth')).toBe('by hand\nby hand\n');
    });

    it('suspend stops it and keeps what is in it; a new build waits for what is not committed', async () => {
      await uncommitted('/kept');
      const spec = { steps: [{ run: 'echo 2 > /two' }], limits: { memory: '64Mi' } };
      const before = await digest();
      const { stderr } = await sandbox.run(
        'river',
        ['apply', '-f', '-'],
        JSON.stringify(environment('workbench', workbench({ ...spec, suspend: true }))),
      );
      expect(stderr).toMatch(/^warning: .*is built from its steps now; the commit [0-9a-f]{12} is not in it/);
      await ready('Behind');
      expect([(await container())?.phase, (await container())?.digest]).toEqual(['Stopped', before]);
      expect(await digest()).not.toBe(before);
      await sandbox.apply(environment('workbench', workbench({ ...spec, suspend: false })));
      await eventually('its start', 30_000, async () => (await container())?.phase === 'Running');
      expect(await inside('cat /kept; ls /two 2>&1 || true')).toContain('by hand\nls: /two');
      await eventually('its limit', 30_000, async () => {
        const format = '{{.HostConfig.Memory}}';
        const { stdout } = await docker('inspect', '--format', format, 'river-env-workbench');
        return stdout === `${64 * 2 ** 20}\n`;
      });
      await sandbox.ok('discard', 'env/workbench');
      await fresh();
      expect(await inside('cat /two; ls /kept 2>&1 || true')).toContain('2\nls: /kept');
    });

    it('interactive: false keeps the tarball, and the container only for what is not committed', async () => {
      await uncommitted('/work');
      const off = environment('workbench', {
        from: { image: engine.image },
        steps: [{ run: 'echo 2 > /two' }],
      });
      const { stderr } = await sandbox.run('river', ['apply', '-f', '-'], JSON.stringify(off));
      expect(stderr).toContain('holds what is not committed: it is stopped and kept until');
      await ready('Kept');
      expect(await containers()).toBe('river-env-workbench\n');
      await sandbox.ok('commit', 'env/workbench');
      await eventually('its end', 30_000, async () => (await containers()) === '');
      expect(tarballs()).toContain(`workbench-${(await digest())?.slice(7, 19)}.tar`);
      const image = (await get('workbench')).status?.image ?? '';
      expect((await docker('run', '--rm', '--network=host', image, 'cat', '/work')).stdout).toBe('by hand\n');
    });

    it('an image without a shell says so', async () => {
      const bare = { from: { image: engine.image }, steps: [{ run: ['rm', '/bin/sh'] }], interactive: true };
      await sandbox.apply(environment('workbench', bare));
      await ready('CannotRun');
      const { conditions } = (await get('workbench')).status ?? {};
      expect(JSON.stringify(conditions)).toContain('has no /bin/sh, which a working container needs');
      expect(await containers()).toBe('');
    });

    it('a deletion waits for what is not committed, and says what to do', async () => {
      await sandbox.apply(environment('workbench', workbench({})));
      await fresh();
      await uncommitted('/work');
      const deleting = sandbox.start('river', ['delete', 'env/workbench']);
      await deleting.says('with 1 change that is not committed (river discard env/workbench throws it away)');
      await sandbox.ok('discard', 'env/workbench');
      expect(await deleting.ended).toBe(0);
      expect(await containers()).toBe('');
    });
  });

  testShells({
    sandbox: () => sandbox,
    dev: () => dev,
    restart: async () => {
      dev = await sandbox.dev();
    },
    image: engine?.image ?? '',
    docker,
  });
});
