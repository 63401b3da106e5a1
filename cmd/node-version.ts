/** The oldest Node that River runs on: major and minor (package.json, `engines`). */
const oldest = [22, 22];

/** Ends the process with one sentence when this Node is too old to load the rest. Plain syntax, for old ones. */
export function refuseOldNode(program: string): void {
  const parts = process.versions.node.split('.');
  const major = Number(parts[0]);
  const minor = Number(parts[1]);
  if (major > Number(oldest[0]) || (major === oldest[0] && minor >= Number(oldest[1]))) return;
  const found = process.versions.node;
  console.error(
    `${program} needs Node.js ${oldest.join('.')} or newer; this is ${found}: install a newer one from nodejs.org`,
  );
  process.exit(1);
}
