import { type Identity, isTerminal, type Run } from '../../api/index.ts';
import type { LogOptions } from '../../client/index.ts';
import type { Store } from '../../store/index.ts';
import { authorize } from '../authorize.ts';
import { notFound } from '../writes/refusals.ts';
import type { LogReader, LogStream } from './log-reader.ts';

/**
 * The output of a Run that exists. A followed one ends when the Run has ended and the whole file is sent: the runner
 * writes a terminal status only after the output is complete.
 */
export function openLog(
  store: Store,
  reader: LogReader,
  identity: Identity,
  namespace: string,
  name: string,
  options: LogOptions,
): Promise<LogStream> {
  authorize(identity, 'log', 'Run');
  const current = () => store.get('Run', namespace, name)?.object as Run | undefined;
  const uid = current()?.metadata.uid;
  if (uid === undefined) throw notFound('Run', name);
  const { stream, offset, tailLines, follow, signal } = options;
  return reader.open({
    namespace,
    run: name,
    stream,
    offset,
    tailLines,
    follow,
    signal,
    mayGrow: () => {
      const run = current();
      return run?.metadata.uid === uid && !isTerminal(run.status?.phase ?? 'Pending');
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
