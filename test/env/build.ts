/** `npm run build`: dist/, as it is packed and installed. */
import { join } from 'node:path';
import { bundle, root } from './bundle.ts';

await bundle(join(root, 'dist'));
