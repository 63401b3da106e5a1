import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Breakage } from './mutations.ts';

const root = join(import.meta.dirname, '../..');
/** Everything that a simulation is made of. */
const parts = ['pkg', 'cmd', 'schemas', 'test/sim', 'test/support', 'package.json'];
/** A broken product may not come to an end. */
const patienceMs = 900_000;

export interface Caught {
  seed: number;
  violation: string;
}

/** The text with the edits of one file made. Raises when a place is not there exactly once. */
export function broken(text: string, file: string, { name, edits }: Breakage): string {
  return edits
    .filter((edit) => edit.file === file)
    .reduce((now, { find, replace }) => {
      const [before, after, ...more] = now.split(find);
      if (before === undefined || after === undefined || more.length > 0)
        throw new Error(`"${name}": ${file} has ${now.split(find).length - 1} places like ${find}`);
      return `${before}${replace}${after}`;
    }, text);
}

export function brokenFiles(breakage: Breakage, from = root): Map<string, string> {
  const files = new Set(breakage.edits.map(({ file }) => file));
  return new Map(
    [...files].map((file) => [file, broken(readFileSync(join(from, file), 'utf8'), file, breakage)]),
  );
}

/** A copy of all that is simulated, so that every breakage is of the same state of it. Removed by whoever asked for it. */
export function snapshot(from = root): string {
  const folder = mkdtempSync(join(tmpdir(), 'river-mutation-'));
  for (const part of parts) cpSync(join(from, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** Runs these seeds, one range after the other, on a copy with that breakage, until one fails. Undefined: none did. */
export async function catchBreakage(
  breakage: Breakage,
  ranges: readonly string[],
  from = root,
): Promise<Caught | undefined> {
  const folder = snapshot(from);
  try {
    for (const [file, text] of brokenFiles(breakage, from)) writeFileSync(join(folder, file), text);
    for (const seeds of ranges) {
      const caught = parse(await output(folder, seeds));
      if (caught) return caught;
    }
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function output(folder: string, seeds: string): Promise<string> {
  const args = ['test/sim/main.ts', '--seeds', seeds, '--until-failure'];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: folder, timeout: patienceMs });
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
    });
    child.stderr.on('data', (chunk) => {
      text += chunk;
    });
    child.once('error', reject);
    child.once('close', () => resolve(text));
  });
}

function parse(text: string): Caught | undefined {
  const found = /^seed (\d+) FAILED (.*)$/m.exec(text);
  if (found) return { seed: Number(found[1]), violation: found[2] ?? '' };
  if (/^\d+ seeds in .* 0 failed$/m.test(text)) return undefined;
  throw new Error(`the simulator did not come to an end: ${text.slice(-2_000)}`);
}
