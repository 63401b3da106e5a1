import manifest from '../package.json' with { type: 'json' };

/** Of this program: what package.json says. */
export const version: string = manifest.version;
