import { readdir, readFile } from 'node:fs/promises';

/** A process of a container, as the machine sees it and as the container does. */
export interface Member {
  pid: number;
  innerPid: number;
  /** It was told to go on when its terminal goes, as by nohup. */
  ignoresHangUp: boolean;
}

const hangUpBit = 1n;

/** Undefined for what is no status of a process that lives, or of another session. */
export function readMember(status: string, session: number): Member | undefined {
  const [pid, innerPid] = [numbersOf(status, 'NSpid').at(0), numbersOf(status, 'NSpid').at(-1)];
  const isDead = /^State:\s*[ZX]/m.test(status);
  if (pid === undefined || innerPid === undefined || isDead) return undefined;
  if (numbersOf(status, 'NSsid').at(0) !== session) return undefined;
  const ignored = /^SigIgn:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return { pid, innerPid, ignoresHangUp: (BigInt(`0x${ignored}`) & hangUpBit) !== 0n };
}

/** One for each namespace of pids, from the machine's to the innermost. */
function numbersOf(status: string, field: string): number[] {
  const text = new RegExp(`^${field}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  return text.split(/\s+/).filter(Boolean).map(Number);
}

/**
 * What lives of a session whose leader was `session`, if it is in this container: an engine may count its processes
 * elsewhere than on this machine, and a number may have got another owner.
 */
export async function sessionMembers(session: number, containerId: string): Promise<Member[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const member = readMember(await textOf(`/proc/${pid}/status`), session);
      if (member === undefined) return undefined;
      return (await textOf(`/proc/${pid}/cgroup`)).includes(containerId) ? member : undefined;
    }),
  );
  return found.filter((member) => member !== undefined);
}

/** Empty for a process that has just ended. */
function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
