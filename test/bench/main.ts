/**
 * `npm run bench [-- startup process docker environments listing idle fleet scheduler] [--quick] [--seconds=N]`: speed of the whole, as users get
 * it, beside a peer that is measured in the same run. Prints a table; nothing depends on it. `--seconds`: how long to look
 * at what is at rest.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { withEngine } from '../env/engine.ts';
import { type BenchCluster, startCluster } from './cluster.ts';
import { dockerLatency, dockerThroughput } from './docker.ts';
import { unchangedApply } from './environment-apply.ts';
import { environments } from './environments.ts';
import { fleet } from './fleet.ts';
import { idle } from './idle.ts';
import { listing } from './listing.ts';
import { processTasks } from './process.ts';
import { scheduling } from './scheduler.ts';
import { startup } from './startup.ts';
import { printTable, type Row } from './statistics.ts';

const words = process.argv.slice(2);
const quick = words.includes('--quick');
const wanted = words.filter((word) => !word.startsWith('-'));
const all = ['startup', 'process', 'docker', 'environments', 'listing', 'idle', 'fleet', 'scheduler'];
const atRest = words.find((word) => word.startsWith('--seconds='))?.slice('--seconds='.length);
const unknown = wanted.filter((word) => !all.includes(word));
if (unknown.length > 0) {
  console.error(`no bench named ${unknown.join(', ')}; there are: ${all.join(', ')}`);
  process.exit(2);
}
if (atRest !== undefined && !(Number(atRest) > 0)) {
  console.error(`--seconds=${atRest} is no time: write --seconds=60`);
  process.exit(2);
}
const runs = (name: string) => wanted.length === 0 || wanted.includes(name);

async function measure(cluster: BenchCluster, socket: string | undefined): Promise<Row[]> {
  const rows: Row[] = runs('startup') ? await startup(quick ? 10 : 30) : [];
  const fresh = runs('idle') ? await idle(cluster, 'fresh', quick ? 5 : 20) : undefined;
  rows.push(...(fresh?.rows ?? []));
  if (runs('process') || runs('idle'))
    rows.push(...(await processTasks(cluster, quick ? 10 : 50, quick ? 300 : 1000)));
  if (runs('docker')) {
    if (socket === undefined) rows.push({ what: 'docker tasks', river: 'left out: no Docker Engine here' });
    else {
      rows.push(...(await dockerLatency(cluster, socket, quick ? 8 : 30)));
      rows.push(...(await dockerThroughput(cluster, socket, quick ? 40 : 200)));
    }
  }
  if (runs('environments')) {
    if (socket === undefined) rows.push({ what: 'environments', river: 'left out: no Docker Engine here' });
    else {
      rows.push(...(await environments(socket, quick ? 200 : 1024, 3)));
      rows.push(await unchangedApply(cluster, quick ? 20 : 200));
    }
  }
  if (fresh) rows.push(...(await idle(cluster, 'after the tasks above', quick ? 5 : 20)).rows);
  if (runs('listing')) rows.push(...(await listing(cluster, quick ? 2000 : 10_000)));
  if (runs('fleet')) rows.push(...(await fleet(quick ? 20 : 200, Number(atRest ?? (quick ? 10 : 60)))));
  if (runs('scheduler')) rows.push(...(await scheduling(quick ? 200 : 1000, quick ? 2000 : 10_000)));
  return rows;
}

execFileSync(process.execPath, [join(import.meta.dirname, '../env/build.ts')], { stdio: 'inherit' });
const engine = runs('docker') || runs('environments') ? (await withEngine()).engine : undefined;
const cluster = await startCluster(engine?.socketPath);
try {
  printTable(await measure(cluster, engine?.socketPath));
} finally {
  await cluster.stop();
  await engine?.release();
}
