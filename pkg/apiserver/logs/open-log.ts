import { type Identity, isTerminal, type Run } from '../../api/index.ts';
import type { LogOptions } from '../../client/index.ts';
import type { LogReader, LogStream } from '../../logs/index.ts';
import type { Store } from '../../store/index.ts';
import { authorize } from '../authorize.ts';
import { notFound } from '../writes/refusals.ts';

/**
 * The output of a Run that exists. A followed one ends when the Run has ended and the whole file is sent: the runner
 * writes a terminal status only after the output is complete.
 */
export async function openLog(
  store: Store,
  reader: LogReader,
  identity: Identity,
  namespace: string,
  name: string,
  options: LogOptions,
): Promise<LogStream> {
  authorize(identity, 'log', 'Run');
  const current = () => store.get('Run', namespace, name)?.object as Run | undefined;
  const found = current();
  if (!found) throw notFound('Run', name);
  const { uid } = found.metadata;
  /** Undefined when it was deleted, and when another one has its name since. */
  const same = () => {
    const run = current();
    return run?.metadata.uid === uid ? run : undefined;
  };
  const { stream, offset, tailLines, follow, signal } = options;
  return reader.open({
    namespace,
    run: name,
    stream,
    offset,
    tailLines,
    follow,
    exists: hasOutput(found),
    signal,
    node: () => same()?.spec.placement?.node,
    mayGrow: () => {
      const run = same();
      return run !== undefined && !isTerminal(run.status?.phase ?? 'Pending');
    },
    onStateChange: (listener) =>
      store.watch('Run', store.version(), {
        event: ({ record }) => {
          if (record.namespace === namespace && record.name === name) listener();
        },
        closed: listener,
      }),
  });
}

/** A runner that names files has made them, before the Run ends at the latest: then a missing one is not late. */
function hasOutput(run: Run): boolean {
  const { log, phase } = run.status ?? {};
  return log !== undefined && phase !== undefined && isTerminal(phase);
}
