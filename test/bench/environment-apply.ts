import type { Environment } from '../../pkg/api/index.ts';
import { hasCode } from '../../pkg/base/index.ts';
import { testImage } from '../env/engine.ts';
import type { BenchCluster } from './cluster.ts';
import { type Row, spread, summarize } from './statistics.ts';
import { eventually } from './wait.ts';

const goalMs = 50;

/** What `river apply` asks of the host for a manifest of an environment that is as it was. */
export async function unchangedApply({ client }: BenchCluster, rounds: number): Promise<Row> {
  const name = 'bench-unchanged';
  const steps = Array.from({ length: 20 }, (_none, index) => ({ env: { [`STEP_${index}`]: 'set' } }));
  const object: Environment = {
    ...{ apiVersion: 'river.dev/v1', kind: 'Environment', metadata: { name } },
    spec: { from: { image: testImage }, steps },
  };
  const apply = async () => {
    await client.apply(object, { fieldManager: 'river', dryRun: true });
    return (await client.apply(object, { fieldManager: 'river' })).outcome;
  };
  await apply();
  await eventually('the environment to be built', 120_000, async () => {
    return (await client.get('Environment', '', name)).status?.phase === 'Ready';
  });
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const from = performance.now();
    const outcome = await apply();
    times.push(performance.now() - from);
    if (outcome !== 'unchanged') throw new Error(`an apply of the same was ${outcome}`);
  }
  await client.delete('Environment', '', name);
  await eventually('the environment to be gone', 60_000, async () => {
    return client.get('Environment', '', name).then(
      () => false,
      (error: unknown) => hasCode(error, 'NotFound'),
    );
  });
  const { p99 } = summarize(times);
  return {
    what: 'apply of an unchanged environment, ms',
    river: `${spread(times)}, 99 % ${p99.toFixed(1)}`,
    ...{ goal: `≤ ${goalMs}`, met: p99 <= goalMs },
  };
}
