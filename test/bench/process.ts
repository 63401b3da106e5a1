import type { BenchCluster } from './cluster.ts';
import { measureRuns, throughput } from './runs.ts';
import { slurmInstalled, startSlurm } from './slurm.ts';
import { type Row, spread, summarize } from './statistics.ts';

interface Peer {
  started: number[];
  done: number[];
  arrayPerSecond: number;
}

async function measureSlurm(rounds: number, count: number): Promise<Peer | undefined> {
  if (!slurmInstalled()) return undefined;
  const slurm = await startSlurm();
  try {
    const started: number[] = [];
    const done: number[] = [];
    await slurm.srun();
    for (let round = 0; round < rounds; round += 1) {
      const { startedMs, doneMs } = await slurm.srun();
      started.push(startedMs);
      done.push(doneMs);
    }
    return { started, done, arrayPerSecond: await slurm.array(count) };
  } finally {
    await slurm.stop();
  }
}

export async function processTasks(cluster: BenchCluster, rounds: number, count: number): Promise<Row[]> {
  const peer = await measureSlurm(rounds, Math.min(count, 200));
  const spec = () => ({ command: ['/bin/true'], resources: { cores: 0 } });
  await measureRuns(cluster.client, 3, spec);
  const runs = await measureRuns(cluster.client, rounds, spec);
  const started = runs.map((run) => run.startedMs);
  const done = runs.map((run) => run.doneMs);
  const perSecond = await throughput(cluster.client, count, spec);
  const missing = 'not installed (slurm-wlm)';
  return [
    {
      what: 'process task, apply → started, ms',
      river: spread(started),
      peer: peer ? `${spread(peer.started)} srun` : missing,
      goal: '< 20',
      met: summarize(started).median < 20,
    },
    {
      what: 'process task, apply → watched exit, ms',
      river: spread(done),
      peer: peer ? `${spread(peer.done)} srun` : missing,
      goal: '< 30',
      met: summarize(done).median < 30,
    },
    {
      what: `${count} process tasks at once, done/s`,
      river: perSecond.toFixed(1),
      peer: peer ? `${peer.arrayPerSecond.toFixed(1)} sbatch --array` : missing,
      goal: '≥ 100',
      met: perSecond >= 100,
    },
  ];
}
