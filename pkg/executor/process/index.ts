/**
 * Runs programs of this machine as plain processes. Decides how a program is started once, watched, stopped and
 * accounted for; never whether it should run, and never keeps anything that it could not read again from disk.
 *
 * What remembers what, for one Run (all under the executor's own folder, on a local disk):
 * - `runs/UID/run.json`: that it may be started, and in which boot. Durable before anything is executed, so that a
 *   Run is never executed in a second boot: it is then over as NodeRestarted.
 * - `runs/UID/started`: made with O_EXCL by the wrapper, with its pid, start time and boot id. Only who made it
 *   executes. A stop before the start, and a start that cannot work, make it themselves: later wrappers leave.
 * - `exits/UID`: exit code or signal, usage; renamed into place by the wrapper. Its time is the time of the end.
 * - the cgroup `river-CLUSTER/UID` (as root): who belongs to it, limits, peak memory, CPU time. Without one, who is
 *   in the wrapper's session or below it; then a child that leaves both is not stopped, and limits do not apply.
 *
 * The wrapper (wrapper.ts) is its own session and survives the runner; a service manager that ends everything in
 * the runner's cgroup has to be told otherwise (`KillMode=process`). When a wrapper alone is killed, the Run is
 * running for as long as anything of it lives, and over as RecordLost afterwards.
 *
 * The program sees the variables of its Run, then PATH, HOME and LANG of the runner, and PWD, which sh sets. They
 * reach it by execve, never as arguments. What it leaves in the background when it ends is killed by `remove`.
 * An exit code of 130 or 141 is shown as SIGINT or SIGPIPE: see wrapper.ts.
 */
export { type ProcessExecutorOptions, processExecutor } from './executor.ts';
