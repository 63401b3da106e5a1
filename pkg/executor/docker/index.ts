/**
 * Runs programs in containers of the machine's Docker Engine, over its API only. Decides how a container is made
 * once, started once, watched and accounted for; never whether it should run, and never by `docker run`.
 *
 * What remembers what, for one Run:
 * - the container `river-<first 12 of the cluster's uid>-<run uid>`: the engine makes a name once, so a second start
 *   finds the first. Its labels say whose it is, where its output goes and in which boot it was made; its state says
 *   whether and how it ended. It stays until `remove`. A container of that name without the labels is left alone.
 * - the engine's `local` log, unrotated: the whole output, byte by byte. The output files of the Run say how much of
 *   it was copied, so a restarted runner goes on at that byte. An end is shown only when the copy is complete.
 * - the parent group (`river-CLUSTER/UID`, or a slice with the systemd driver): peak memory and CPU time, which the
 *   engine forgets at the end. Only as root on the engine's own machine; otherwise usage is left out.
 * - `scripts/UID` in the executor's folder: the script, mounted read-only and executed by its #! line.
 *
 * Ends are heard from one stream of events and then asked with inspect; when the stream was cut, everything may have
 * changed. Codes 129 to 159 are shown as the signal 128+n: neither the engine nor its init tells them apart. A stop
 * is the engine's: SIGTERM to the program, after the grace (whole seconds, rounded up) SIGKILL to everything.
 *
 * A container that shows no start is started only while the engine that made it lives: one that died may have started it
 * without having noted that.
 *
 * Two gaps are known. What an engine that dies has read and not written, and what a container writes while it is dead and
 * ends before it is back, is lost with every log driver: the run's message says so wherever it cannot be shown that one
 * life of the engine has seen all of the run. And a start that a killed runner has sent, and that the engine has not begun
 * when the next runner has already looked, started and seen the container end, would start it once more: the engine has no
 * conditional start, and its lock on the container covers everything but a request it has not read.
 */
export { dockerExecutor } from './executor.ts';
export { type DockerImageStoreOptions, dockerImageStore } from './image-store.ts';
export { containerName } from './names.ts';
export type { DockerExecutorOptions } from './options.ts';
