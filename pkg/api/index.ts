/**
 * What the kinds are: types, validation, defaults, the Run table, quantities, selectors, columns. Pure: touches
 * neither disk nor network nor clock. Decides what an object may say and who may move a Run where; never what
 * happens because of it.
 */
export * from './columns.ts';
export * from './conditions.ts';
export * from './defaults.ts';
export * from './duration.ts';
export { environmentFindings } from './environment-rules.ts';
export * from './environment-state.ts';
export { type FieldPath, formatField, parseField } from './field-path.ts';
export * from './field-selector.ts';
export type { Finding } from './finding.ts';
export * from './gpus.ts';
export * from './hash.ts';
export * from './label-selector.ts';
export * from './log-paths.ts';
export * from './manifest.ts';
export * from './manifest-check.ts';
export * from './mounts.ts';
export * from './names.ts';
export { nearest, suggestion } from './nearest.ts';
export * from './objects.ts';
export * from './ordinals.ts';
export * from './quantity.ts';
export * from './run-spec.ts';
export * from './run-table.ts';
export { type SchemaField, schemaFields } from './schema-fields.ts';
export { schemaFindings } from './schema-findings.ts';
export * from './spans/index.ts';
export * from './status.ts';
export * from './targets.ts';
export type * from './types.gen.ts';
export * from './unknown-fields.ts';
export * from './validate.ts';
export * from './version-skew.ts';
