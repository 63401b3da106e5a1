import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';

export const root = join(import.meta.dirname, '../..');
const programs = { river: 'river', 'river-host': 'host', 'river-runner': 'runner', riverun: 'riverun' };

/**
 * Bundles the four programs into a folder of the repository, split so that a command of the CLI loads only what it
 * needs. better-sqlite3 stays outside (native code), and so do packages that are loaded with `require` on first use.
 * `version`: what they say they are, in place of what package.json says.
 */
export async function bundle(outdir: string, version?: string): Promise<void> {
  rmSync(outdir, { recursive: true, force: true });
  await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(
      Object.entries(programs).map(([bin, folder]) => [bin, `cmd/${folder}/main.ts`]),
    ),
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    chunkNames: 'parts/[name]-[hash]',
    external: ['better-sqlite3', 'cpu-features', 'ssh2', 'ajv'],
    // Of its two forms the one of ES modules: names are imported from it also where it is loaded on first use.
    alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') },
    // CommonJS packages ask for node's modules with require, which an ES module does not have.
    banner: {
      js: "import { createRequire as requireFor } from 'node:module'; const require = requireFor(import.meta.url);",
    },
    plugins: version === undefined ? [] : [stampedWith(version)],
    legalComments: 'none',
    logLevel: 'warning',
  });
  for (const bin of Object.keys(programs)) chmodSync(join(outdir, `${bin}.js`), 0o755);
}

function stampedWith(version: string): Plugin {
  const file = join(root, 'package.json');
  return {
    name: 'version',
    setup(plugins) {
      plugins.onLoad({ filter: /package\.json$/ }, ({ path }) => {
        if (path !== file) return undefined;
        const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
        return { contents: JSON.stringify({ ...manifest, version }), loader: 'json' };
      });
    },
  };
}
