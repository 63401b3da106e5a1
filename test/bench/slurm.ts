import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from './wait.ts';

const execute = promisify(execFile);

/** A Slurm of one node on loopback, the peer for process tasks; Debian's packages slurm-wlm and munge. */
export interface Slurm {
  /** Milliseconds from the call to the program's own clock reading, and to the end of srun. */
  srun(): Promise<{ startedMs: number; doneMs: number }>;
  /** Completed jobs a second for an array of `count` trivial jobs. */
  array(count: number): Promise<number>;
  stop(): Promise<void>;
}

/** More processors than there are: jobs then wait for each other as little as tasks of zero cores do. */
function configuration(folder: string, cpus: number): string {
  const name = hostname().split('.')[0];
  return `ClusterName=peer
SlurmctldHost=${name}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=${folder}/munge.sock
CryptoType=crypto/munge
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0
MpiDefault=none
SlurmdParameters=config_overrides
ReturnToService=2
SlurmctldPort=16817
SlurmdPort=16818
MaxArraySize=5000
NodeName=${name} NodeAddr=127.0.0.1 CPUs=${cpus} State=UNKNOWN
PartitionName=p Nodes=${name} Default=YES MaxTime=INFINITE State=UP
`;
}

export function slurmInstalled(): boolean {
  return (
    process.getuid?.() === 0 &&
    ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/sbin/munged'].every((path) => existsSync(path))
  );
}

export async function startSlurm(): Promise<Slurm> {
  const folder = mkdtempSync(join(tmpdir(), 'river-slurm-'));
  for (const name of ['state', 'spool']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'slurm.conf'), configuration(folder, 256));
  writeFileSync(join(folder, 'munge.key'), randomBytes(1024), { mode: 0o600 });
  const env = { ...process.env, SLURM_CONF: join(folder, 'slurm.conf') };
  const options = { env, cwd: folder };
  await execute(
    '/usr/sbin/munged',
    [
      '--force',
      `--key-file=${folder}/munge.key`,
      `--socket=${folder}/munge.sock`,
      `--pid-file=${folder}/munged.pid`,
      `--seed-file=${folder}/seed`,
      `--log-file=${folder}/munged.log`,
    ],
    options,
  );
  const children = [
    spawn('/usr/sbin/slurmctld', ['-D', '-c'], { ...options, stdio: 'ignore' }),
    spawn('/usr/sbin/slurmd', ['-D'], { ...options, stdio: 'ignore' }),
  ];
  const stop = async () => {
    await Promise.all(
      children.map(async (child) => {
        child.kill('SIGKILL');
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }),
    );
    const munged = Number(readFileSync(join(folder, 'munged.pid'), 'utf8'));
    process.kill(munged, 'SIGTERM');
    // It writes its seed at the end.
    await eventually('munged to end', 10_000, async () => !existsSync(`/proc/${munged}`));
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  await eventually(
    'slurm to answer',
    30_000,
    async () => (await execute('srun', ['/bin/true'], options)).stderr === '',
  );
  return {
    async srun() {
      const from = Date.now();
      const { stdout } = await execute('srun', ['/bin/date', '+%s%N'], options);
      return { startedMs: Number(stdout.trim()) / 1e6 - from, doneMs: Date.now() - from };
    },
    async array(count) {
      const from = performance.now();
      await execute('sbatch', ['-o', '/dev/null', `--array=1-${count}`, '--wrap', '/bin/true'], options);
      // `sbatch --wait` looks every ten seconds at last, which would be most of what is measured.
      while ((await execute('squeue', ['-h', '-t', 'PD,R,CG'], options)).stdout !== '')
        await new Promise((resolve) => setTimeout(resolve, 100));
      return (count * 1000) / (performance.now() - from);
    },
    stop,
  };
}
