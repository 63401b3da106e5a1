import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { apiVersion } from '../../../api/index.ts';
import { type Clock, type ErrorCode, hasCode, RiverError, sleep } from '../../../base/index.ts';
import {
  frameLimit,
  protocol,
  type ShellProcess,
  type ShellRequest,
  serveShell,
} from '../../../shell/index.ts';
import { authorize } from '../../authorize.ts';
import { addressOf } from '../messages.ts';
import { flagOf, numberOf, queryOf } from '../queries.ts';
import type { RouteContext } from '../route-context.ts';
import { acceptWebSocket } from '../upgrades.ts';

/** Each holds a connection of the engine, and buffers for a slow reader. */
const shellsAtOnce = 64;
/** For a container that is being replaced. */
const looksAtMost = 20;
const lookAgainMs = 250;

/** When the server is closed: a hook that needs ten seconds makes fastify fail. */
const endWithinMs = 9_000;

/** Where `river shell` goes. */
export interface WorkingContainers {
  /**
   * ID of the running working container of an Environment, for the engine. Raises `NotFound` for an Environment that is
   * none, `Conflict` with what to do when it is not interactive, suspended, or not built yet, and `ServiceUnavailable`
   * while it is being started.
   */
  container(name: string): Promise<string>;
}

/** Programs in the working container of an Environment, over a WebSocket as in kubectl exec; for admins. */
export function execRoutes(context: RouteContext) {
  const stopping = new AbortController();
  const sessions = new Set<Promise<void>>();
  let count = 0;
  return async (app: FastifyInstance) => {
    app.addHook('preClose', async () => {
      stopping.abort();
      const inTime = await endedWithin(context.clock, endWithinMs, Promise.all(sessions));
      if (!inTime) context.logger.warn('shells were left behind that did not end', { shells: sessions.size });
    });
    app.get(`/apis/${apiVersion}/environments/:name/exec`, async (request, reply) => {
      authorize(request.identity, 'exec', 'Environment');
      if (count >= shellsAtOnce) throw busy();
      const wanted = shellRequestOf(request);
      count += 1;
      try {
        const { name } = addressOf(request);
        const lookUp = () => context.workingContainers.container(name);
        const container = await patiently(context, stopping.signal, ['ServiceUnavailable'], lookUp);
        const opening = { request, reply, wanted, container, stopping: stopping.signal };
        const { done } = await open(context, opening);
        const session = done.finally(() => {
          sessions.delete(session);
          count -= 1;
        });
        sessions.add(session);
      } catch (error) {
        count -= 1;
        throw error;
      }
    });
  };
}

/** False when the time was over first. */
function endedWithin(clock: Clock, milliseconds: number, work: Promise<unknown>): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(milliseconds, () => resolve(false));
    void work.then(() => {
      timer.cancel();
      resolve(true);
    });
  });
}

function busy(): RiverError {
  const message = `${shellsAtOnce} shells are open on the host: close one, and try again`;
  return new RiverError('TooManyRequests', message, { retryAfterSeconds: 5 });
}

interface Opening {
  request: FastifyRequest;
  reply: FastifyReply;
  wanted: ShellRequest;
  container: string;
  stopping: AbortSignal;
}

/** Resolves when the connection is the shell's; `done` when it has ended. */
async function open(context: RouteContext, opening: Opening): Promise<{ done: Promise<void> }> {
  const { request, reply, wanted, container, stopping } = opening;
  const { clock, logger } = context;
  const socket = await acceptWebSocket(request, reply, { protocol, frameLimit });
  const { role, name } = request.identity;
  const log = logger.child({
    who: `${role} ${name}`,
    environment: addressOf(request).name,
    container,
    remote: request.ip,
  });
  // Not with which arguments: they may hold a secret.
  log.info('a shell was opened', { program: wanted.command[0], tty: wanted.tty });
  const start = () => begin(context, opening);
  const parts = { start, streams: wanted, clock, logger: log, stopping };
  const done = serveShell(socket, parts).catch((error: unknown) =>
    log.error('a shell failed unexpectedly', { error }),
  );
  return { done: done.then(() => log.info('a shell has ended')) };
}

/** Between the look for it and now the container may have gone, and come again on a newer digest. */
async function begin(context: RouteContext, opening: Opening): Promise<ShellProcess> {
  const { request, wanted, container, stopping } = opening;
  const { shells, workingContainers } = context;
  let id: string | undefined = container;
  return patiently(context, stopping, ['ServiceUnavailable', 'Conflict'], async () => {
    const found = id ?? (await workingContainers.container(addressOf(request).name));
    id = undefined;
    return shells.start(found, wanted);
  });
}

/** A container that is being replaced is there again in a moment. */
async function patiently<T>(
  { clock }: RouteContext,
  stopping: AbortSignal,
  codes: readonly ErrorCode[],
  work: () => Promise<T>,
): Promise<T> {
  for (let left = looksAtMost; ; left -= 1) {
    try {
      return await work();
    } catch (error) {
      if (left === 0 || !codes.some((code) => hasCode(error, code))) throw error;
    }
    await sleep(clock, lookAgainMs, stopping);
  }
}

/** As Kubernetes names the parameters; `term`, `columns` and `rows` are River's own. */
function shellRequestOf(request: FastifyRequest): ShellRequest {
  const { command = [] } = request.query as { command?: string | string[] };
  const { tty, stdin, stdout, stderr, term, ...size } = queryOf(request);
  const [columns, rows] = [numberOf('columns', size.columns), numberOf('rows', size.rows)];
  const wanted = {
    command: typeof command === 'string' ? [command] : command,
    tty: flagOf(tty),
    stdin: flagOf(stdin),
    stdout: flagOf(stdout),
    stderr: flagOf(stderr),
    term,
    size: columns && rows ? { columns, rows } : undefined,
  };
  if (!wanted.stdin && !wanted.stdout && !wanted.stderr)
    throw new RiverError('BadRequest', 'ask for at least one of stdin, stdout and stderr');
  if (term !== undefined && !/^[\w.+-]{1,64}$/.test(term))
    throw new RiverError('BadRequest', 'term must be the name of a kind of terminal, as in xterm-256color');
  return wanted;
}
