/**
 * Configuration files of host and runner: reading, environment overrides, defaults, checks, and watching for
 * changes. Decides what a configuration says and which changes of it need a restart; never applies one.
 *
 * Every field can be set by a variable, which wins over the file: the prefix RIVER_HOST_ or RIVER_RUNNER_ and the
 * field's path in upper snake case. `listen.port` is RIVER_HOST_LISTEN_PORT, `runtimes.process.enabled` is
 * RIVER_RUNNER_RUNTIMES_PROCESS_ENABLED. Lists and maps are written as YAML: `["/a:/b"]`, `{gpu: a100}`. A
 * variable with the prefix that names no field is refused.
 */
export * from './config-error.ts';
export * from './load-config.ts';
export * from './reload.ts';
export * from './settings.ts';
export * from './watch-config.ts';
