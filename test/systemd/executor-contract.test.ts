import { afterAll } from 'vitest';
import { realRng } from '../../pkg/base/index.ts';
import { executorContract } from '../contract/executor.ts';
import { temporaryFolder } from '../integration/executor-parts.ts';

const { path: folder, remove } = temporaryFolder();
executorContract('systemd', { folder, isRoot: true, clusterUid: realRng.uuid(), kind: 'systemd' });
afterAll(remove);
