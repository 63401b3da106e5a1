import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where this machine's Python is, and what of it an image needs. */
const locate =
  'import os, sys, sysconfig; print(os.path.realpath(sys.executable), sysconfig.get_path("stdlib"))';

/** The static busybox, and the Python of this machine under its own path: libraries follow links, tests stay out. */
const make = `
set -e
root=$1 python=$2 stdlib=$3 image=$4; shift 4
mkdir -p "$root/bin" "$root/tmp" "$root/usr/bin"
cp "$(command -v busybox)" "$root/bin/busybox"
for name in $(busybox --list); do [ "$name" = busybox ] || ln -s busybox "$root/bin/$name"; done
libraries=$(ldd "$python" | grep -o '/[^ ]*')
cp -L --parents "$python" $libraries "$root"
ln -sf "$python" "$root/bin/python3"
for out in test site-packages dist-packages __pycache__ idlelib ensurepip config-*; do set -- "$@" "--exclude=$out"; done
tar -C / -ch "$@" "\${stdlib#/}" | tar -C "$root" -x
tar -C "$root" -c . | docker -H "$ENGINE" import - "$image"
`;

/** Makes an image with the Python that this machine has, under the name of one that a registry would have. */
export async function makePythonImage(socketPath: string, image: string): Promise<void> {
  const { stdout } = await run('python3', ['-c', locate]);
  const root = mkdtempSync(join(tmpdir(), 'river-python-'));
  try {
    const env = { ...process.env, ENGINE: `unix://${socketPath}` };
    await run('sh', ['-c', make, 'sh', root, ...stdout.trim().split(' '), image], { env });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
