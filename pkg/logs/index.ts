/**
 * The output of Runs, as files: reads them from an offset or so many lines before the end, and follows them while they
 * grow. Decides nothing about who may read, on which node a Run is, or when it has ended: whoever asks says so.
 */
export * from './file-log-reader.ts';
export * from './log-reader.ts';
export * from './tail.ts';
export * from './wakeup.ts';
