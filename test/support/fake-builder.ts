import { createHash } from 'node:crypto';
import type {
  BuildRequest,
  BuildResult,
  EnvironmentBuilder,
  KeptState,
  KeptThings,
} from '../../pkg/builder/index.ts';

/** Builds in no time: the digest is the hash of what is asked for. `fail`: what the next builds raise. */
export class FakeBuilder implements EnvironmentBuilder {
  readonly built: BuildRequest[] = [];
  collected: readonly KeptState[] = [];
  fail: Error | undefined;
  /** Builds end when this does. */
  gate: Promise<void> | undefined;

  async recover(): Promise<void> {}

  async build(request: BuildRequest): Promise<BuildResult> {
    this.built.push(request);
    await this.gate;
    if (this.fail) throw this.fail;
    const { name, spec, parent, builtAt } = request;
    const hash = createHash('sha256')
      .update(JSON.stringify([spec.from, spec.steps, parent]))
      .digest('hex');
    const tarball = { path: `/tarballs/${name}-${hash.slice(0, 12)}.tar`, size: 1, builtAt };
    return { digest: `sha256:${hash}`, image: `river/${name}:${hash.slice(0, 12)}`, steps: [], tarball };
  }

  async collect({ states }: KeptThings): Promise<void> {
    this.collected = states;
  }

  readonly forgotten: string[] = [];

  async forget(name: string): Promise<void> {
    this.forgotten.push(name);
  }

  logFile(name: string): string {
    return `/logs/${name}`;
  }
}
