import { readdir, readFile } from 'node:fs/promises';

/** One line of `/proc/PID/stat` of a Docker Engine that executes: after the state 18 fields, then when it was started. */
const engineLine = /^(\d+) \(dockerd\) [^ZX] (?:\S+ ){18}(\d+) /;

/**
 * Names the engines that live on this machine: another text, another life of one of them. Undefined where none can be seen,
 * as where ordinary users see only their own processes: then nothing is known. `proc`: the kernel's `/proc`.
 */
export async function enginesAlive(bootId: string, proc = '/proc'): Promise<string | undefined> {
  const pids = (await readdir(proc).catch(() => [])).filter((name) => Number(name) > 0);
  const lines = await Promise.all(pids.map((pid) => readFile(`${proc}/${pid}/stat`, 'utf8').catch(() => '')));
  const engines = lines.flatMap((line) => {
    const [, pid, startTime] = engineLine.exec(line) ?? [];
    return pid && startTime ? [`${pid}:${startTime}`] : [];
  });
  return engines.length === 0 ? undefined : [bootId, ...engines.sort()].join(' ');
}
