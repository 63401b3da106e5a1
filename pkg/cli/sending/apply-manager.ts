/** Owner of the fields that manifests set, however they came: else one would be in conflict with the next. */
export const applyManager = 'river';
