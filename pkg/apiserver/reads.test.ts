import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  ApiHost,
  admin as me,
  nodeOf,
  scheduler,
  task,
  taskController as taskLoop,
} from '../../test/support/api-host.ts';
import { apiVersion, buildRun, type Kind, type Task } from '../api/index.ts';
import { realClock } from '../base/index.ts';
import type { ListOptions } from '../client/index.ts';

let host: ApiHost;
let turns: number;

beforeEach(() => {
  turns = 0;
  const nextTurn = (callback: () => void) => {
    turns++;
    realClock.nextTurn(callback);
  };
  host = new ApiHost({ clock: { ...realClock, nextTurn } });
});

afterEach(() => host.close());

async function names(kind: Kind, options: ListOptions): Promise<(string | undefined)[]> {
  const { items } = await host.local(me).list(kind, options);
  return items.map((item) => item.metadata.name);
}

async function addTask(name: string, labels: Record<string, string> = {}): Promise<Task> {
  const made = await host.service.create(me, 'Task', {
    ...task(name),
    metadata: { name, namespace: 'default', labels },
  });
  return made.object as Task;
}

describe('selectors', () => {
  it('answers every requirement, also several about one label', async () => {
    await addTask('a', { x: '1' });
    await addTask('b', { x: '2' });
    await addTask('c');
    const select = (labelSelector: string) => names('Task', { labelSelector });
    expect(await select('x=1')).toEqual(['a']);
    expect(await select('x=1,x=1')).toEqual(['a']);
    expect(await select('x=1,x=2')).toEqual([]);
    expect(await select('x=1,x!=1')).toEqual([]);
    expect(await select('x=1,!x')).toEqual([]);
    expect(await select('x=1,x in (1,2)')).toEqual(['a']);
    expect(await select('x in (2),x in (1,2)')).toEqual(['b']);
  });

  it('finds the Runs that have no node', async () => {
    const owner = await addTask('a');
    for (const ordinal of [0, 1]) {
      const target = { ...owner, spec: { ...owner.spec, targets: ['n1', 'n2'] } };
      await host.service.create(taskLoop, 'Run', buildRun(target, { revision: 1, ordinal, attempt: 0 }));
    }
    const node = { apiVersion, kind: 'Node', metadata: { name: 'n1' } };
    await host.service.create(nodeOf('n1'), 'Node', node);
    const status = {
      session: 's',
      runtimes: ['process'],
      allocatable: { cores: 4, memory: 1000 },
      conditions: [{ type: 'Ready', status: 'True', reason: 'R', message: '' }],
    };
    await host.service.patchStatus(nodeOf('n1'), 'Node', '', 'n1', { status });
    const [first = '', second = ''] = await names('Run', {});
    const { uid = '' } = host.service.get(me, 'Run', 'default', first).object.metadata;
    await host.service.bind(scheduler, 'default', first, { node: 'n1', uid });
    expect(await names('Run', { fieldSelector: 'spec.placement.node=' })).toEqual([second]);
    expect(await names('Run', { fieldSelector: 'spec.placement.node=n1' })).toEqual([first]);
    expect(await names('Run', { fieldSelector: 'spec.placement.node!=n1' })).toEqual([second]);
  });
});

describe('pages of what has to be looked at', () => {
  const wanted = ['t003', 't004', 't299'];

  beforeEach(async () => {
    const all = Array.from({ length: 300 }, (_, index) => `t${String(index).padStart(3, '0')}`);
    await Promise.all(all.map((name) => addTask(name, wanted.includes(name) ? { x: '1', y: '2' } : {})));
    turns = 0;
  });

  it.each([1, 2, 3, 500])('hold at most %i, and all together everything once', async (limit) => {
    const found: (string | undefined)[] = [];
    let token: string | undefined;
    do {
      const page = await host.local(me).list('Task', { labelSelector: 'x', limit, continue: token });
      expect(page.items.length).toBeLessThanOrEqual(limit);
      found.push(...page.items.map((item) => item.metadata.name));
      token = page.continue;
    } while (token !== undefined);
    expect(found).toEqual(wanted);
  });

  it('let others have their turn in a search that finds nothing, and take few of them', async () => {
    expect(await names('Task', { labelSelector: 'z', limit: 1 })).toEqual([]);
    expect(turns).toBe(1);
  });
});
