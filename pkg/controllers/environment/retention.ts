import { type Environment, type EnvironmentDigest, isTerminal, type Run } from '../../api/index.ts';
import type { EnvironmentBuilder } from '../../builder/index.ts';
import type { Client } from '../../client/index.ts';
import type { Informer } from '../../controller/index.ts';
import { kept } from './wanted.ts';

export interface RetentionParts {
  client: Client;
  builder: EnvironmentBuilder;
  runs: Informer<'Run'>;
  /** What is being built or committed at this moment. */
  publishing(): Iterable<string>;
}

/** Which digests stay, and the removal of all else. */
export class Retention {
  readonly #parts: RetentionParts;
  readonly #runsOn: (digest: string) => Run[];
  /** Names that a collection under way leaves alone, whatever it knows of them. */
  #busy = new Set<string>();
  #collecting: Promise<void> = Promise.resolve();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#runsOn = parts.runs.index('environment digest', (run) => {
      const { name, digest } = run.spec.placement?.environment ?? {};
      return digest === undefined || isTerminal(run.status?.phase ?? 'Pending') ? [] : [`${name}@${digest}`];
    });
  }

  /** Runs that need the Environment, as far as the cache knows. */
  users({ metadata, status }: Environment): Run[] {
    return (status?.history ?? []).flatMap(({ digest }) => this.#runsOn(`${metadata.name}@${digest}`));
  }

  async historyLeft({ metadata: { name = '' }, spec, status }: Environment): Promise<EnvironmentDigest[]> {
    const history = status?.history ?? [];
    const inUse = (digest: string) => digest === status?.digest || digest === status?.container?.digest;
    const inCache = (digest: string) => this.#runsOn(`${name}@${digest}`).length > 0;
    const left = kept(history, spec.keep, (digest) => inUse(digest) || inCache(digest));
    if (left.length === history.length) return history;
    const bound = await this.#digestsOfRuns(name);
    return kept(history, spec.keep, (digest) => inUse(digest) || bound.has(digest));
  }

  /** Not from the cache, which may be behind. What is not in use any more is bound to no further Run. */
  async #digestsOfRuns(name: string): Promise<Set<string>> {
    const { items } = await this.#parts.client.list('Run', { fieldSelector: 'status.phase!=Succeeded' });
    const digests = items.flatMap(({ spec: { placement }, status }) =>
      placement?.environment?.name === name && !isTerminal(status?.phase ?? 'Pending')
        ? [placement.environment.digest]
        : [],
    );
    return new Set(digests);
  }

  /** Something of this Environment is about to be published: a collection under way leaves it alone. */
  spare(name: string): void {
    this.#busy.add(name);
  }

  /** One at a time; `gone`: of what is deleted right after. */
  collect(gone?: string): Promise<void> {
    const work = this.#collecting.then(() => this.#collectNow(gone));
    this.#collecting = work.catch(() => {});
    return work;
  }

  async #collectNow(gone: string | undefined): Promise<void> {
    // Before the list is asked for, and with every build that begins after it: what they publish is in no list.
    this.#busy = new Set(this.#parts.publishing());
    // Not from the cache: what another one has published just now must be seen.
    const { items } = await this.#parts.client.list('Environment');
    // Many a host has no engine, and none of these; it is not to ask for one.
    if (items.length === 0) return;
    const states = items
      .filter(({ metadata }) => metadata.name !== gone)
      .flatMap(({ metadata: { name = '' }, status }) =>
        (status?.history ?? []).map(({ digest }) => ({ name, digest })),
      );
    const uploads = items.flatMap(({ spec: { from, steps = [] } }) => [
      from.upload ?? '',
      ...steps.map(({ copy }) => copy?.sha256 ?? ''),
    ]);
    const isBusy = (name: string) => this.#busy.has(name);
    await this.#parts.builder.collect({ states, isBusy, uploads: new Set(uploads) });
  }
}
