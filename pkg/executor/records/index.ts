/**
 * What this machine keeps on its disk about programs that it runs directly, for the executors `process` and `systemd`:
 * that a Run may be started and in which boot, who has started it, and how it ended; and how both open, look and wait.
 * Decides when a Run counts as started or ended; never how it is started, stopped or limited.
 */
export { prepareCommand, type StartError } from './command.ts';
export { cgroupFigures, type Ending, parseStartError, signalName, startErrorRecord } from './ending.ts';
export { untilEnded, untilFound } from './ever-longer.ts';
export { ExitWatch } from './exit-watch.ts';
export { goneOf, hasNotEnded, type Known, knownOf, removedMeanwhile, stoppedBefore } from './known.ts';
export { Opening, unusable } from './opening.ts';
export { type Claim, Records, type RunRecord } from './records.ts';
