/**
 * Runs programs of this machine as transient services of its systemd. Decides how a service is made once, watched,
 * stopped and accounted for; never whether it should run. Needs root and the system's manager.
 *
 * What remembers what, for one Run:
 * - `runs/UID/run.json`, `runs/UID/started`, `exits/UID` in the executor's own folder: as in ../records. `started` is
 *   made with O_EXCL inside of the service, so whatever starts the service again executes nothing.
 * - the service `river-<first 12 of the cluster's uid>-<run uid>`: who belongs to it, its limits, and whether it goes
 *   on. Its ExecStopPost writes `exits/UID` when everything of it has ended, with the figures of the control group that
 *   is about to go. A service whose record could not be written stays failed, and says the code itself.
 *
 * The end of the program is the end of the Run only when its whole control group has ended: systemd sends SIGTERM to
 * what is left in the background, and after the grace SIGKILL. So a Run that has ended uses nothing any more. This is
 * why the service has no RemainAfterExit (docs/decisions/0010).
 *
 * Variables and arguments are in `runs/UID/launch` (0600), never in the unit, which every user may read. The program
 * sees the variables of its Run, then PATH, HOME and LANG of the runner, and PWD; nothing of the manager's.
 */
export { type SystemdExecutorOptions, systemdExecutor } from './executor.ts';
