import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { realClock, realRng, silentLogger } from '../../pkg/base/index.ts';
import {
  environmentDirectory,
  indexFile,
  sharedMarkerFile,
  type TarballIndex,
  tarballFile,
} from '../../pkg/environment/index.ts';
import { dockerImageStore } from '../../pkg/executor/docker/index.ts';
import {
  type EnvironmentReference,
  type EnvironmentSource,
  Environments,
  SharedDirectory,
} from '../../pkg/runner/environments/index.ts';
import { openIntents } from '../../pkg/runner/index.ts';
import { layerPlan, writeTarball } from './environment-tarball.ts';
import { type Row, spread, summarize } from './statistics.ts';

const run = promisify(execFile);
const MiB = 1024 * 1024;
const clusterUid = 'bench';

async function timed(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

/** A node's side of environments, as the runner has it; counts what it reads of tarballs, and its loads. */
function openNode(socketPath: string, shared: string, state: string) {
  const counts = { bytes: 0, loads: 0 };
  const source = new SharedDirectory(shared, 'bench');
  const bytes = source.bytes.bind(source);
  source.bytes = (environment) => ({
    async *read(range, signal) {
      for await (const chunk of bytes(environment).read(range, signal)) {
        counts.bytes += chunk.length;
        yield chunk;
      }
    },
  });
  const store = dockerImageStore({ socketPath, logger: silentLogger });
  const load = store.load.bind(store);
  store.load = (...args) => {
    counts.loads += 1;
    return load(...args);
  };
  const intents = openIntents(join(state, 'runner.db'), realClock);
  const host: EnvironmentSource = source;
  const environments = new Environments({
    ...{ store, shared: source, host, intents, clusterUid },
    ...{ clock: realClock, rng: realRng, logger: silentLogger, count: () => {} },
    settings: { keepUnusedMs: 0, minFreeBytes: 0 },
    needed: () => [],
    onChanged: () => {},
  });
  const close = () => {
    environments.close();
    intents.close();
  };
  return { environments, store, counts, close };
}

const quiet = () => ({ signal: new AbortController().signal, onProgress: () => {} });

/**
 * How an environment gets to a node: whole, and after a change of 1 MB. The peer is `docker load` of the whole file,
 * into the same engine, in turn.
 */
export async function environments(socketPath: string, totalMiB: number, rounds: number): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'river-bench-environments-'));
  const directory = environmentDirectory({ sharedDir: folder, stateDir: folder });
  mkdirSync(directory);
  writeFileSync(sharedMarkerFile(folder), clusterUid);
  const files = (digest: string) => ({
    tarball: tarballFile(directory, 'bench', digest),
    index: indexFile(directory, 'bench', digest),
  });
  const below = Array.from({ length: 5 }, () => layerPlan(Math.floor((totalMiB / 5) * MiB)));
  const before = await writeTarball(files, 'bench', [...below, layerPlan(MiB)]);
  const after = await writeTarball(files, 'bench', [...below, layerPlan(MiB)]);
  const node = openNode(socketPath, folder, folder);
  const docker = (...args: string[]) => run('docker', ['-H', `unix://${socketPath}`, ...args]);
  const clear = async (index: TarballIndex) => {
    await docker('rmi', '-f', index.digest).catch(() => {});
    // After it: the node may just have looked.
    node.environments.forget(index);
  };
  const peer = (index: TarballIndex) => timed(() => docker('load', '-i', files(index.digest).tarball));
  const river = (index: EnvironmentReference) => timed(() => node.environments.ensure(index, quiet()));
  try {
    await node.store.probe();
    const first = { peer: [] as number[], river: [] as number[] };
    const changed = { peer: [] as number[], river: [] as number[] };
    for (let round = 0; round < rounds; round += 1) {
      // In turn first: what an engine still writes of one slows the next.
      const turns = round % 2 === 0 ? (['peer', 'river'] as const) : (['river', 'peer'] as const);
      for (const turn of turns) {
        await clear(before);
        first[turn].push(await (turn === 'peer' ? peer(before) : river(before)));
      }
      // That image stays: what follows is a node that has all but the last layer.
      for (const turn of turns) {
        changed[turn].push(await (turn === 'peer' ? peer(after) : river(after)));
        await clear(after);
      }
    }
    Object.assign(node.counts, { bytes: 0, loads: 0 });
    await Promise.all(Array.from({ length: 20 }, () => node.environments.ensure(after, quiet())));
    return rowsOf(totalMiB, first, changed, node.counts, after);
  } finally {
    await clear(after);
    await clear(before);
    node.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Times {
  peer: number[];
  river: number[];
}

function rowsOf(
  totalMiB: number,
  first: Times,
  changed: Times,
  counts: { bytes: number; loads: number },
  after: TarballIndex,
): Row[] {
  const ratio = ({ river, peer }: Times) => summarize(river).median / summarize(peer).median;
  const excess = counts.bytes / (after.layers.at(-1)?.size ?? 1);
  return [
    {
      what: `environment of ${totalMiB} MiB, first sync, ms`,
      ...{ river: spread(first.river), peer: `${spread(first.peer)} docker load` },
      ...{ ratio: ratio(first).toFixed(2), goal: '≤ 1.10', met: ratio(first) <= 1.1 },
    },
    {
      what: 'the same with 1 MiB changed, ms',
      ...{ river: spread(changed.river), peer: `${spread(changed.peer)} docker load` },
      ...{ ratio: ratio(changed).toFixed(3), goal: '≤ 0.083', met: ratio(changed) <= 1 / 12 },
    },
    {
      what: 'bytes read for it, of the changed layer',
      ...{ river: String(counts.bytes), peer: `${after.layers.at(-1)?.size} in the layer` },
      ...{ ratio: excess.toFixed(3), goal: '≤ 1.05', met: excess <= 1.05 },
    },
    {
      what: 'loads for 20 runs at once',
      ...{ river: String(counts.loads), goal: '1', met: counts.loads === 1 },
    },
  ];
}
