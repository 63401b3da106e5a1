import { expect, it } from 'vitest';
import type { Run, RunPhase } from '../../api/index.ts';
import { realClock, seededRng } from '../../base/index.ts';
import type { Context } from '../context.ts';
import { drain } from './drain.ts';

const run = (name: string, phase: RunPhase): Run => ({
  apiVersion: 'river.dev/v1',
  kind: 'Run',
  metadata: { name, namespace: 'default', resourceVersion: phase },
  spec: { task: 't', ordinal: 0, attempt: 0, placement: { node: 'n1' } } as unknown as Run['spec'],
  status: { phase },
});

/** A host that has these runs when asked first, and those when asked again. */
function contextOf(...lists: Run[][]): { context: Context; said: string[] } {
  const said: string[] = [];
  const output = {
    isTerminal: false,
    write: async (text: string) => {
      said.push(text);
    },
  };
  const client = {
    list: async () => ({ items: lists.shift() ?? [], resourceVersion: '1' }),
    watch: () => ({ close: () => {} }),
    get: async () => ({ metadata: { name: 'n1', uid: 'u' }, spec: {} }),
    patch: async () => {},
  };
  const { signal } = new AbortController();
  const io = { stdout: output, stderr: output, clock: realClock, rng: seededRng(1), signal };
  const connect = async () => ({ client, namespace: 'default' });
  return { context: { io, flags: {}, connect } as unknown as Context, said };
}

it('tells also of a run that has ended before it looks again, and of none that had ended or was deleted', async () => {
  const { context, said } = contextOf(
    [run('quick', 'Running'), run('old', 'Succeeded'), run('deleted', 'Running')],
    [run('quick', 'Stopped'), run('old', 'Succeeded')],
  );
  expect(await drain(context, ['n1'], { timeout: '30s' })).toBe(0);
  expect(said).toEqual([
    'node.river.dev/n1 cordoned\n',
    'stopping run/quick\n',
    'stopping run/deleted\n',
    'run/quick stopped\n',
    'node.river.dev/n1 drained\n',
  ]);
});
