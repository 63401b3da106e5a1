import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { loadConfig } from './load-config.ts';
import type { ConfigChange } from './reload.ts';
import { watchConfig } from './watch-config.ts';

const folder = mkdtempSync(join(tmpdir(), 'river-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

test('a change is taken over, a bad file keeps what was there, a file that is replaced is still watched', async () => {
  const file = join(folder, 'host.yaml');
  writeFileSync(file, 'logLevel: info\n');
  const source = { file, env: {}, readText: (path: string) => readFileSync(path, 'utf8'), hostname: 'box' };
  const changes: ConfigChange<'host'>[] = [];
  const errors: string[] = [];
  const watching = await watchConfig('host', source, loadConfig('host', source), {
    changed: (change) => changes.push(change),
    failed: (error) => errors.push((error as Error).message),
  });
  try {
    writeFileSync(file, 'logLevel: debug\nstateDir: /other\n');
    await vi.waitFor(() => expect(changes).toHaveLength(1), { timeout: 10_000 });
    expect(changes[0]).toMatchObject({ live: ['logLevel'], restart: ['stateDir'] });
    expect(changes[0]?.settings).toMatchObject({ logLevel: 'debug', stateDir: '/var/lib/river/host' });

    writeFileSync(file, 'logLevel: lots\n');
    await vi.waitFor(() => expect(errors).toHaveLength(1), { timeout: 10_000 });
    expect(errors[0]).toMatch(/host\.yaml:1:1: logLevel: must be debug or info/);

    // As editors save: a new file under the old name. Only logLevel differs from what runs: debug was kept.
    writeFileSync(`${file}.new`, 'logLevel: warn\n');
    renameSync(`${file}.new`, file);
    await vi.waitFor(() => expect(changes).toHaveLength(2), { timeout: 10_000 });
    expect(changes[1]).toMatchObject({ live: ['logLevel'], restart: [], settings: { logLevel: 'warn' } });
  } finally {
    await watching.close();
  }
});
