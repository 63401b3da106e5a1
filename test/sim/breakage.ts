import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Breakage } from './mutations.ts';

const root = join(import.meta.dirname, '../..');
/** A broken product may not come to an end. */
const patienceMs = 600_000;

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

export function brokenFiles(breakage: Breakage): Map<string, string> {
  const files = new Set(breakage.edits.map(({ file }) => file));
  return new Map(
    [...files].map((file) => [file, broken(readFileSync(join(root, file), 'utf8'), file, breakage)]),
  );
}

/** Runs these seeds on a copy of the product with that breakage, until one fails. Undefined: none did. */
export async function catchBreakage(breakage: Breakage, seeds: string): Promise<Caught | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'river-mutation-'));
  try {
    for (const part of ['pkg', 'cmd', 'schemas', 'test/sim', 'test/support', 'package.json'])
      cpSync(join(root, part), join(folder, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const [file, text] of brokenFiles(breakage)) writeFileSync(join(folder, file), text);
    return parse(await output(folder, seeds));
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
