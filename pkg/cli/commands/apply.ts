import {
  type ApiObject,
  type Environment,
  environmentHash,
  locateCauses,
  ManifestError,
  type ManifestProblem,
} from '../../api/index.ts';
import { errorMessage, hasCode, RiverError } from '../../base/index.ts';
import type { ApplyResult, Client, FileUploads } from '../../client/index.ts';
import { shortDigest } from '../../environment/index.ts';
import { type Context, print, warn } from '../context.ts';
import { Refusal } from '../errors.ts';
import { exitCodes } from '../exit-codes.ts';
import { shownObject } from '../naming/object-args.ts';
import { applyManager } from '../sending/apply-manager.ts';
import { inNamespace, type Manifest, problemAt, readManifests } from '../sending/manifests.ts';

export interface ApplyFlags {
  filename: string[];
  recursive?: boolean;
  dryRun: 'none' | 'client' | 'server';
  forceConflicts?: boolean;
}

/** Requests under way at once: enough to fill a group commit of the host, little enough to stay fair. */
const atOnce = 16;

/**
 * All manifests are checked here, then all of them by the host without a change; only when every one of them is
 * good the first is written.
 */
export async function apply(context: Context, flags: ApplyFlags): Promise<number> {
  const { read, copies } = await readAll(context, flags);
  if (flags.dryRun === 'client') {
    for (const { object } of read) await print(context, `${shownObject(object)} valid (client dry run)`);
    return exitCodes.ok;
  }
  const { client, namespace } = await context.connect();
  const manifests = inNamespace(read, context.flags.namespace, namespace);
  const force = flags.forceConflicts === true;
  const checked = await checkAll(client, manifests, force);
  for (const { object, warnings = [] } of checked)
    for (const warning of warnings) await warn(context, `warning: ${shownObject(object)}: ${warning}`);
  if (flags.dryRun === 'server') {
    for (const { object, outcome } of checked)
      await print(context, `${shownObject(object)} ${outcome} (server dry run)`);
    return exitCodes.ok;
  }
  await copies?.send(client);
  await writeAll(context, client, manifests, force);
  return exitCodes.ok;
}

/** What copies nothing, which is nearly all, loads nothing that reads files. */
async function readAll(context: Context, { filename, recursive }: ApplyFlags) {
  const read = await readManifests(context, filename, recursive === true);
  if (!read.some(({ object }) => copiesFiles(object))) return { read };
  const { sendCopies, withCopies } = await import('../sending/copy-sources.ts');
  const { manifests, sources } = await withCopies(context.io.cwd, read);
  const { ProgressBar } = await import('../following/progress-bar.ts');
  const bar = new ProgressBar(context.io);
  const send = (client: FileUploads) =>
    sendCopies(client, sources, context.io, (name, done, total) =>
      bar.bytes(`sending ${name}`, done, total),
    ).finally(() => bar.clear());
  return { read: manifests, copies: { send } };
}

function copiesFiles(object: ApiObject): boolean {
  return object.kind === 'Environment' && !!(object as Environment).spec.steps?.some(({ copy }) => copy);
}

async function checkAll(
  client: Client,
  manifests: readonly Manifest[],
  force: boolean,
): Promise<ApplyResult[]> {
  const results: ApplyResult[] = [];
  const refusals: { manifest: Manifest; error: RiverError }[] = [];
  for (const batch of batches(manifests)) {
    const answers = await send(client, batch, { force, dryRun: true });
    for (const [index, answer] of answers.entries()) {
      if (answer.status === 'fulfilled') results.push(answer.value);
      else refusals.push({ manifest: batch[index] as Manifest, error: refusalOf(answer.reason) });
    }
  }
  if (refusals.length > 0) throw refused(refusals);
  return results;
}

/** What says something about the one object. Anything else (the host is gone, the token is not good) ends the command. */
function refusalOf(error: unknown): RiverError {
  if (hasCode(error, 'Invalid', 'BadRequest', 'Conflict', 'Forbidden', 'NotFound', 'RequestEntityTooLarge'))
    return error;
  throw error;
}

function refused(refusals: readonly { manifest: Manifest; error: RiverError }[]): Error {
  const problems = refusals.flatMap(({ manifest, error }) => problemsOf(manifest, error));
  const invalid = refusals.some(({ error }) => error.code === 'Invalid' || error.code === 'BadRequest');
  const { message } = new ManifestError(problems);
  return new Refusal(invalid ? exitCodes.invalid : exitCodes.failed, message);
}

function problemsOf({ object, document }: Manifest, error: RiverError): ManifestProblem[] {
  // Conflicts name fields as field sets do, with a dot in front.
  const causes = (error.details.causes ?? []).map((cause) => ({
    ...cause,
    field: cause.field?.replace(/^\./, ''),
  }));
  const advice =
    error.code === 'Conflict' && causes.length > 0
      ? '; leave it out, or use --force-conflicts to take it over'
      : '';
  const located = locateCauses(document, causes);
  if (located.length > 0)
    return located.map((problem) => ({ ...problem, message: problem.message + advice }));
  return [problemAt(document, '', `${shownObject(object)}: ${error.message}`)];
}

async function writeAll(
  context: Context,
  client: Client,
  manifests: readonly Manifest[],
  force: boolean,
): Promise<void> {
  let written = 0;
  for (const batch of batches(manifests)) {
    const answers = await send(client, batch, { force });
    for (const answer of answers) {
      if (answer.status !== 'fulfilled') continue;
      written += 1;
      await print(context, `${shownObject(answer.value.object)} ${answer.value.outcome}`);
      if (answer.value.outcome === 'configured')
        for (const line of warningsOf(answer.value.object)) await warn(context, line);
    }
    const failed = answers.find((answer) => answer.status === 'rejected');
    if (failed) throw interruptedBy(failed.reason, written, manifests.length);
  }
}

/** What a person should know of work by hand that the new manifest does not know. */
function warningsOf(object: ApiObject): string[] {
  if (object.kind !== 'Environment') return [];
  const { metadata, spec, status } = object as Environment;
  const name = metadata.name ?? '';
  const commit = status?.history?.find(({ digest }) => digest === status.digest)?.commit;
  const digest = status?.digest && shortDigest(status.digest);
  const warnings: string[] = [];
  if (commit && status?.chosen !== environmentHash(spec))
    warnings.push(
      `it is built from its steps now; the commit ${digest} is not in it: river rollback env/${name} --to ${digest} goes back there`,
    );
  const { added = 0, changed = 0, deleted = 0 } = status?.container?.changes ?? {};
  if (!spec.interactive && added + changed + deleted > 0)
    warnings.push(
      `its working container holds what is not committed: it is stopped and kept until river commit env/${name} or river discard env/${name}`,
    );
  return warnings.map((text) => `warning: ${shownObject(object)}: ${text}`);
}

/** Between the dry run and the write something has changed; applying again is always right. */
function interruptedBy(error: unknown, written: number, total: number): unknown {
  if (!(error instanceof RiverError)) return error;
  const message = `${errorMessage(error)} (${written} of ${total} objects are known to be written; apply again to complete it)`;
  return new RiverError(error.code, message, error.details, { cause: error.cause });
}

function send(client: Client, batch: readonly Manifest[], options: { force: boolean; dryRun?: boolean }) {
  return Promise.allSettled(
    batch.map(({ object }) => client.apply(object, { fieldManager: applyManager, ...options })),
  );
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += atOnce) yield items.slice(start, start + atOnce);
}
