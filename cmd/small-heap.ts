/**
 * What V8 is told in the programs that run for months. Left alone it lets the young generation alone grow to 134 MB,
 * and the old one to several times what is in use, and gives nothing back; every start of a process then copies the
 * page tables of all that. A collection comes sooner so, and finds less to do.
 */
const flags = ['--max-semi-space-size=8', '--initial-old-space-size=32', '--heap-growing-percent=75'];

/** Begins the program anew, as the same process, with a small heap. To be called before anything is opened. */
export function useSmallHeap(): void {
  const present = new Set(process.execArgv);
  if (process.execve === undefined || flags.every((flag) => present.has(flag))) return;
  const args = [process.argv0, ...process.execArgv, ...flags, ...process.argv.slice(1)];
  process.execve(process.execPath, args, process.env);
}
