#!/usr/bin/env node
// Plain syntax and no imports but this: it must be read, and say its sentence, also by a Node that is too old.
import { refuseOldNode } from '../node-version.ts';

refuseOldNode('riverun');
import('./riverun.ts').then((program) => program.main());
