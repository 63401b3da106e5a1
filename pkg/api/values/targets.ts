import { RiverError } from '../../base/index.ts';
import { nameProblem } from './names.ts';

/** Where a Run must go. */
export interface Target {
  node: string;
  /** Id of a NUMA node, as the kernel numbers it. */
  numa?: number;
  /** Indices of GPUs, as in the Node's status; ascending. */
  gpus?: number[];
}

const form = 'node, node:NUMA, node::GPU,GPU or node:NUMA:GPU,GPU, as in node2:1:0,2';

/** Reads `node`, `node:0`, `node::0,1` and `node:0:1,2`. Raises `Invalid`. */
export function parseTarget(text: string): Target {
  const [node = '', numa, gpus, ...rest] = text.split(':');
  if (rest.length > 0 || (numa === '' && gpus === undefined) || gpus === '') throw refused(text);
  const problem = nameProblem(node);
  if (problem !== undefined) throw new RiverError('Invalid', `${problem}; a target is ${form}`);
  return {
    node,
    ...(numa ? { numa: index(numa, text) } : {}),
    ...(gpus === undefined ? {} : { gpus: indices(gpus, text) }),
  };
}

function indices(list: string, text: string): number[] {
  const numbers = list.split(',').map((part) => index(part, text));
  const twice = numbers.find((number, position) => numbers.indexOf(number) < position);
  if (twice !== undefined) throw new RiverError('Invalid', `names GPU ${twice} twice; found "${text}"`);
  return numbers.sort((left, right) => left - right);
}

function index(part: string, text: string): number {
  if (!/^\d{1,4}$/.test(part)) throw refused(text);
  return Number(part);
}

function refused(text: string): RiverError {
  return new RiverError('Invalid', `must be ${form}; found "${text}"`);
}

/** One text for one place, however it was written. */
export function formatTarget({ node, numa, gpus }: Target): string {
  if (gpus) return `${node}:${numa ?? ''}:${gpus.join(',')}`;
  return numa === undefined ? node : `${node}:${numa}`;
}
