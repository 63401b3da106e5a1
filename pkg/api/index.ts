/**
 * What the kinds are: types, validation, defaults, the Run table, quantities, selectors, columns. Pure: touches
 * neither disk nor network nor clock. Decides what an object may say and who may move a Run where; never what
 * happens because of it.
 *
 * Rooms: `values` (how a field is written: quantities, times, targets, mounts), `validation` (what an object may say, and
 * what is said about what it may not), `manifests` (YAML with its lines and columns), `selectors`, `spans` (sweeps), `runs`
 * (which Runs a Task has, and their table). Here: what kinds there are, their columns, defaults and status.
 */
export * from './columns.ts';
export * from './conditions.ts';
export * from './defaults.ts';
export * from './environment-state.ts';
export * from './manifests/manifest.ts';
export * from './manifests/manifest-check.ts';
export * from './objects.ts';
export * from './runs/hash.ts';
export * from './runs/log-paths.ts';
export * from './runs/run-spec.ts';
export * from './runs/run-table.ts';
export * from './selectors/field-selector.ts';
export * from './selectors/label-selector.ts';
export * from './spans/index.ts';
export * from './status.ts';
export type * from './types.gen.ts';
export { environmentFindings } from './validation/environment-rules.ts';
export { type FieldPath, formatField, parseField } from './validation/field-path.ts';
export type { Finding } from './validation/finding.ts';
export { nearest, suggestion } from './validation/nearest.ts';
export { type SchemaField, schemaFields } from './validation/schema-fields.ts';
export { schemaFindings } from './validation/schema-findings.ts';
export * from './validation/unknown-fields.ts';
export * from './validation/validate.ts';
export * from './values/duration.ts';
export * from './values/gpus.ts';
export * from './values/mounts.ts';
export * from './values/names.ts';
export * from './values/ordinals.ts';
export * from './values/quantity.ts';
export * from './values/targets.ts';
export * from './version-skew.ts';
