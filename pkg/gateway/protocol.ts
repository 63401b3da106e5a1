import type { Algorithms } from 'ssh2';
import { nameProblem } from '../api/index.ts';
import { type ErrorCode, errorCatalogue, errorMessage, RiverError } from '../base/index.ts';

/** What runners ask the host to forward to them: a name, and no port of any machine. */
export const forwarded = { address: 'river', port: 1 } as const;

/** Of host and runner alike; both are this program, so there is nothing to negotiate. */
export const algorithms: Algorithms = {
  kex: ['curve25519-sha256', 'curve25519-sha256@libssh.org'],
  serverHostKey: ['ssh-ed25519'],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'chacha20-poly1305@openssh.com'],
  compress: ['none'],
};

/** So many signs of life without an answer, and a tunnel is given up. */
export const keepaliveCount = 3;

/** No first line and no error is longer, bytes. */
export const lineLimit = 16 * 1024;

const userPrefix = 'node/';

/** The name that the runner of a node gives when it connects: people get names without a slash. */
export function userOfNode(node: string): string {
  return userPrefix + node;
}

export function nodeOfUser(user: string): string | undefined {
  const name = user.startsWith(userPrefix) ? user.slice(userPrefix.length) : '';
  return nameProblem(name) === undefined ? name : undefined;
}

/** The first line that the host sends: the service that the channel is for, and what that service has to know. */
export interface ChannelRequest {
  service: string;
  [field: string]: unknown;
}

/** The line that answers it. Fields that are not known are left alone, so that versions may differ. */
export interface ChannelAnswer {
  error?: WireError;
  [field: string]: unknown;
}

export interface WireError {
  code: string;
  message: string;
}

export function toWireError(error: unknown): WireError {
  const code = error instanceof RiverError ? error.code : 'InternalError';
  return { code, message: errorMessage(error) };
}

export function fromWireError(node: string, { code, message }: WireError): RiverError {
  const known = Object.hasOwn(errorCatalogue, code) ? (code as ErrorCode) : 'InternalError';
  return new RiverError(known, `node ${node}: ${String(message).slice(0, lineLimit)}`);
}

export function encodeLine(value: object): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

/** Undefined for what is not an object. */
export function decodeLine(line: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
