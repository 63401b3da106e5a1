import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Task } from '../../pkg/api/index.ts';
import { Sandbox } from './sandbox.ts';

const sandbox = new Sandbox();
const riverun = (...args: string[]) => sandbox.run('riverun', args);

/** A module with a function in it, found from the folder that the programs run in. */
beforeAll(() => {
  sandbox.write(
    'demo.py',
    'import sys\ndef two(a, b):\n    print("two", a, b)\ndef none():\n    print("none", sys.argv)\nif __name__ == "__main__":\n    print("main", sys.argv[1:])\n',
  );
});

afterAll(() => sandbox.close());

describe('riverun on this machine', () => {
  it('runs every combination, one after the other, the last span fastest', async () => {
    const { code, stdout, stderr } = await riverun('echo', '--lr=span:[1,0.5]', 'x', 'span:{1..2}');
    expect(stdout).toBe('--lr=1 x 1\n--lr=1 x 2\n--lr=0.5 x 1\n--lr=0.5 x 2\n');
    expect(stderr).toContain('riverun: [3] 4 of 4: echo --lr=0.5 x 2\n');
    expect(code).toBe(0);
  });

  it('a command without spans runs once, without a word of its own', async () => {
    expect(await riverun('echo', 'hello')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
  });

  it('--parallel: all at the same time, lines with the number of the run', async () => {
    // Each waits for the other: one after the other they would never end.
    const script =
      'touch "$RIVER_RUN_INDEX.here"; while [ ! -e "$1.here" ]; do sleep 0.01; done; echo "saw $1"';
    const { code, stdout } = await riverun('--parallel=2', 'sh', '-c', script, 'x', 'span:[1,0]');
    expect(code).toBe(0);
    expect(stdout.trim().split('\n').sort()).toEqual(['[0] saw 1', '[1] saw 0']);
  });

  it('goes on after a failure, and ends with the code of the first one', async () => {
    const { code, stdout, stderr } = await riverun('--parallel', 'sh', '-c', 'exit $0', 'span:[0,5,3]');
    expect(code).toBe(5);
    expect(stdout).toBe('');
    expect(stderr).toContain("riverun: [2] ended with exit code 3: sh -c 'exit $0' 3\n");
    expect(stderr).toContain('riverun: 2 of 3 runs failed\n');
    expect((await riverun('sh', '-c', 'kill -9 $$')).code).toBe(137);
  });

  it('--dry-run prints what would run, spans of variables included', async () => {
    const { stdout } = await riverun('--dry-run', '--env', 'A=span:[x,y z]', 'echo', "it's");
    expect(stdout).toBe("A=x echo 'it'\\''s'\nA='y z' echo 'it'\\''s'\n");
  });

  it('words behind the program are the program’s', async () => {
    expect((await riverun('--parallel=2', 'echo', '--parallel', '--dry-run')).stdout).toBe(
      '[0] --parallel --dry-run\n',
    );
  });

  it('Python: module, and module:function with arguments or without', async () => {
    expect((await riverun('demo', 'span:{1..2}')).stdout).toBe("main ['1']\nmain ['2']\n");
    expect((await riverun('demo:two', 'a', 'span:[b,c]')).stdout).toBe('two a b\ntwo a c\n');
    expect((await riverun('-m', 'demo:none', 'x')).stdout).toBe("none ['demo:none', 'x']\n");
    expect((await riverun('demo:two', 'a')).code).toBe(1);
  });

  it.each([
    [['nosuch'], 'nosuch is not a program in PATH, or a Python module or module:function that python3 finds'],
    [['echo', 'span:['], 'an argument has a span that is none: it has no ]; found "span:["'],
    [
      ['echo', 'span:1', 'span:2'],
      'span:1 is what a shell makes of a span with braces; put it between quotes',
    ],
    [['echo', 'span:{1..101}', 'span:{1..100}'], 'the spans multiply to 10100 runs, at most 10000 are made'],
    [['--cores', '2', 'echo'], '--cores needs --submit'],
    [['--parallel=x', 'echo'], 'It must be a whole number from 1'],
    [['--env', '1=2', 'echo'], '--env 1=2 must be NAME=VALUE'],
    [['--submit', '--cores', '0.00001', 'echo', 'x'], 'riverun: spec.resources.cores: '],
    [[], "missing required argument 'target'"],
  ])('refuses %j', async (args, message) => {
    const { code, stdout, stderr } = await riverun(...args);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});

describe('riverun --submit', () => {
  const words = ['--submit', '--name', 'swept', '--runtime', 'process', '--cores', '0.1', '--parallel=2'];

  it('--dry-run prints the manifest', async () => {
    const { stdout } = await riverun(...words, '--dry-run', '--env', 'A=span:[x,y]', 'echo', 'span:{1..3}');
    expect(stdout).toContain('kind: Task\nmetadata:\n  name: swept\n');
    expect(stdout).toContain('  command:\n    - echo\n    - span:{1..3}\n  env:\n    A: span:[x,y]\n');
    expect(stdout).toContain('parallelism: 2');
  });

  it('sends one Task that runs every combination', async () => {
    await sandbox.dev();
    const { code, stdout } = await riverun(...words, 'echo', 'span:[a,b]', 'span:{1..2}');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'task.river.dev/swept created\n' });
    await sandbox.ok('wait', 'task/swept', '--for', 'condition=Complete', '--timeout', '30s');
    expect((await sandbox.object<Task>('task', 'swept')).spec.parallelism).toBe(2);
    const lines = (await sandbox.ok('logs', 'task/swept')).match(/[ab] [12]$/gm) ?? [];
    expect(lines.sort()).toEqual(['a 1', 'a 2', 'b 1', 'b 2']);
  });
});
