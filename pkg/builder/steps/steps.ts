import { createHash } from 'node:crypto';
import type { EnvironmentSpec, EnvironmentStep } from '../../api/index.ts';

/** How a step looks in output and status. */
export function stepTitle({ run, copy, env, workdir }: EnvironmentStep): string {
  if (copy) return `copy ${copy.from} ${copy.to}`;
  if (env) return `env ${Object.keys(env).join(' ')}`;
  if (workdir !== undefined) return `workdir ${workdir}`;
  const text = (typeof run === 'string' ? run : (run ?? []).join(' ')).replaceAll(/\s+/g, ' ').trim();
  return `run ${text.length > 60 ? `${text.slice(0, 59)}…` : text}`;
}

/** The hash of a step and all before it, down to the image it began with: two equal keys are the same layer. */
export function stepKeys(baseImage: string, { steps = [], rebuild = '' }: EnvironmentSpec): string[] {
  let key = sha256(JSON.stringify([baseImage, rebuild]));
  return steps.map((step) => {
    key = sha256(JSON.stringify([key, canonical(step)]));
    return key;
  });
}

/** Without where a copied file was: what counts is what is in it. */
function canonical({ run, copy, env, workdir }: EnvironmentStep): unknown {
  if (copy) return { copy: [copy.sha256, copy.to] };
  if (env) return { env: Object.entries(env).sort(([left], [right]) => (left < right ? -1 : 1)) };
  return { run, workdir };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The one name under which a copied file or folder is in the context of its step. */
export type CopySource = { kind: 'file'; path: string } | { kind: 'directory'; path: string };

/**
 * A Dockerfile with this one step. Everything is in the list form: nothing but the `/bin/sh` that a `run` of text
 * asks for reads it as a command line.
 */
export function stepDockerfile(from: string, step: EnvironmentStep, source?: CopySource): string {
  return `FROM ${from}\n${instruction(step, source)}\n`;
}

function instruction({ run, copy, env, workdir }: EnvironmentStep, source: CopySource | undefined): string {
  if (copy && source) return `COPY ${JSON.stringify([source.path, literal(copy.to)])}`;
  if (env)
    return `ENV ${Object.entries(env)
      .map(([name, value]) => `${name}="${literal(value).replaceAll('"', '\\"')}"`)
      .join(' ')}`;
  if (workdir !== undefined) return `WORKDIR ${literal(workdir)}`;
  return `RUN ${JSON.stringify(typeof run === 'string' ? ['/bin/sh', '-c', run] : run)}`;
}

/** The engine puts values in place of $NAME in these instructions. */
function literal(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('$', '\\$');
}
