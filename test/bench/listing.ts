import type { BenchCluster } from './cluster.ts';
import { inParallel } from './runs.ts';
import { quantile, type Row, spread, summarize } from './statistics.ts';

/** `count` stored Tasks that never run: pages of 500, all of them, and what other requests feel meanwhile. */
export async function listing(cluster: BenchCluster, count: number): Promise<Row[]> {
  const { client } = cluster;
  await inParallel(count, 64, async (index) => {
    const name = `stored-${String(index).padStart(6, '0')}`;
    await client.create('Task', {
      apiVersion: 'river.dev/v1',
      kind: 'Task',
      metadata: { name, namespace: 'stored', labels: { index: String(index % 10) } },
      spec: { command: ['/bin/true'], suspend: true },
    });
  });
  const pages: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const from = performance.now();
    await client.list('Task', { namespace: 'stored', limit: 500 });
    pages.push(performance.now() - from);
  }
  const wholes: number[] = [];
  const others: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    let listed = false;
    const from = performance.now();
    const whole = client.list('Task', { namespace: 'stored' }).then((list) => {
      wholes.push(performance.now() - from);
      listed = true;
      if (list.items.length !== count) throw new Error(`listed ${list.items.length} of ${count}`);
    });
    others.push(...(await cluster.pingUntil(() => listed)));
    await whole;
  }
  return [
    {
      what: `page of 500 of ${count} Tasks, ms`,
      river: spread(pages),
      goal: '< 20',
      met: summarize(pages).median < 20,
    },
    {
      what: `all ${count} Tasks in one list, ms`,
      river: spread(wholes),
      goal: '< 400',
      met: summarize(wholes).median < 400,
    },
    {
      what: 'another request meanwhile, 99th percentile, ms',
      river: quantile(others, 0.99).toFixed(1),
      goal: '< 25',
      met: quantile(others, 0.99) < 25,
    },
  ];
}
