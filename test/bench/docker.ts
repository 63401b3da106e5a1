import Docker from 'dockerode';
import type { BenchCluster } from './cluster.ts';
import { inParallel, measureRuns, throughput } from './runs.ts';
import { type Row, spread, summarize } from './statistics.ts';

const image = 'river-test/busybox:1';

/** Straight on the Engine API, without what only river needs (its labels, an init, a control group of the run). */
async function createStartWait(docker: Docker, remove: boolean): Promise<number> {
  const from = performance.now();
  const container = await docker.createContainer({
    Image: image,
    Cmd: ['/bin/true'],
    HostConfig: { NetworkMode: 'host' },
  });
  await container.start();
  await container.wait();
  const elapsed = performance.now() - from;
  if (remove) await container.remove();
  return elapsed;
}

/** River and peer in turn, so that both see the same machine. */
export async function dockerLatency(
  cluster: BenchCluster,
  socketPath: string,
  rounds: number,
): Promise<Row[]> {
  const docker = new Docker({ socketPath });
  const peer: number[] = [];
  const river: number[] = [];
  for (let round = 0; round < rounds + 2; round += 1) {
    const raw = await createStartWait(docker, true);
    const [run] = await measureRuns(cluster.client, 1, (index) => ({
      image,
      command: ['/bin/true'],
      resources: { cores: 0 },
      env: { ROUND: `${round}-${index}` },
    }));
    if (round < 2 || run === undefined) continue;
    peer.push(raw);
    river.push(run.doneMs);
  }
  const ratio = summarize(river).median / summarize(peer).median;
  return [
    {
      what: 'docker task, apply → watched exit, ms',
      river: spread(river),
      peer: `${spread(peer)} engine`,
      ratio: ratio.toFixed(2),
      goal: '≤ 1.25',
      met: ratio <= 1.25,
    },
  ];
}

export async function dockerThroughput(
  cluster: BenchCluster,
  socketPath: string,
  count: number,
): Promise<Row[]> {
  const docker = new Docker({ socketPath });
  const from = performance.now();
  await inParallel(count, 4, async () => void (await createStartWait(docker, true)));
  const peer = (count * 1000) / (performance.now() - from);
  const river = await throughput(cluster.client, count, () => ({
    image,
    command: ['/bin/true'],
    resources: { cores: 0 },
  }));
  const ratio = river / peer;
  return [
    {
      what: `${count} docker tasks at once, done/s`,
      river: river.toFixed(1),
      peer: `${peer.toFixed(1)} engine, 4 in parallel`,
      ratio: ratio.toFixed(2),
      goal: '≥ 0.85',
      met: ratio >= 0.85,
    },
  ];
}
