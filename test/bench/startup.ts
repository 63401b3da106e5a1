import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Row, spread, summarize } from './statistics.ts';

const execute = promisify(execFile);

async function elapsed(args: string[]): Promise<number> {
  const from = performance.now();
  await execute(process.execPath, args);
  return performance.now() - from;
}

/** The smallest command of the CLI, in turn with a Node that does nothing: what is ours is the difference. */
export async function startup(rounds: number): Promise<Row[]> {
  const main = join(import.meta.dirname, '../../dist/river.js');
  const river: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < rounds + 1; round += 1) {
    const peer = await elapsed(['-e', '0']);
    const own = await elapsed([main, 'version', '--client']);
    // The first one reads from the disk.
    if (round === 0) continue;
    bare.push(peer);
    river.push(own);
  }
  return [
    {
      what: 'river version --client, ms',
      river: spread(river),
      peer: `${spread(bare)} node -e 0 (kubectl, published: 64)`,
      ratio: (summarize(river).median / summarize(bare).median).toFixed(2),
    },
  ];
}
