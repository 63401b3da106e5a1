/**
 * Environments as files: the tarball that `docker load` takes, the index beside it that says where in it each layer
 * is, how both are named and published, and what `copy` steps take, as it is sent. Never talks to an engine, and decides neither what is built nor what
 * is deleted.
 */
export * from './build-log.ts';
export * from './names.ts';
export * from './tar-headers.ts';
export * from './tar-tree.ts';
export * from './tar-writer.ts';
export * from './tarball-index.ts';
export * from './tarball-index-file.ts';
export * from './uploads.ts';
export * from './verify.ts';
