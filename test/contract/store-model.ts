import type { OpenStore } from './store.ts';

export function modelChecks(_name: string, _open: OpenStore): void {}
