import { expect, it } from 'vitest';
import type { Identity, Kind } from '../api/index.ts';
import { authorize, type Verb } from './authorize.ts';

const identities: Record<string, Identity> = {
  admin: { role: 'admin', name: 'me' },
  node: { role: 'node', name: 'n1' },
  task: { role: 'controller', name: 'task' },
  nodes: { role: 'controller', name: 'node' },
  reaper: { role: 'controller', name: 'reaper' },
  scheduler: { role: 'controller', name: 'scheduler' },
};

function holdersOf(verb: Verb, kind: Kind): string[] {
  return Object.keys(identities).filter((name) => {
    try {
      authorize(identities[name] as Identity, verb, kind);
      return true;
    } catch {
      return false;
    }
  });
}

it.each([
  ['read', 'Task', ['admin', 'task', 'reaper', 'scheduler']],
  ['create', 'Task', ['admin']],
  ['status', 'Task', ['task', 'reaper']],
  ['delete', 'Task', ['admin']],
  ['create', 'Run', ['task']],
  ['update', 'Run', ['task', 'nodes', 'reaper']],
  ['bind', 'Run', ['scheduler']],
  ['status', 'Run', ['node', 'task', 'nodes', 'reaper', 'scheduler']],
  ['delete', 'Run', ['task', 'reaper']],
  ['log', 'Run', ['admin']],
  ['status', 'Node', ['node', 'nodes']],
  ['heartbeat', 'Node', ['node']],
  ['delete', 'Node', ['admin']],
  ['read', 'Event', ['admin', 'task', 'nodes', 'reaper', 'scheduler']],
  ['create', 'Event', ['node', 'task', 'nodes', 'reaper', 'scheduler']],
] as [Verb, Kind, string[]][])('%s %s is for %j', (verb, kind, holders) => {
  expect(holdersOf(verb, kind)).toEqual(holders);
});
