import { afterAll } from 'vitest';
import { realRng } from '../../pkg/base/index.ts';
import { executorContract } from '../contract/executor.ts';
import { withEngine } from '../env/engine.ts';
import { temporaryFolder } from './executor-parts.ts';

const { engine } = await withEngine();
const { path: folder, remove } = temporaryFolder();
const isRoot = process.getuid?.() === 0;
const { socketPath, image } = engine ?? {};

// Each with a cluster of its own: what one leaves behind must not pass for another's.
const setting = () => ({ folder, isRoot, clusterUid: realRng.uuid() });
executorContract('process', { ...setting(), kind: 'process' }, !isRoot);
executorContract('process without control groups', { ...setting(), kind: 'plain' });
executorContract('docker', { ...setting(), kind: 'docker', socketPath, image }, engine === undefined);

afterAll(async () => {
  await engine?.release();
  remove();
});
