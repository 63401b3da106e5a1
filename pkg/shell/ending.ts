import { fromStatus, toStatus } from '../api/index.ts';

/** The last message of the server, on the channel `error`: a Status as kubectl reads it. */
export function exitStatus(exitCode: number): Buffer {
  if (exitCode === 0) return json({ apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success' });
  return json({
    apiVersion: 'v1',
    kind: 'Status',
    metadata: {},
    status: 'Failure',
    message: `command terminated with exit code ${exitCode}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(exitCode) }] },
    code: 500,
  });
}

export function errorStatus(error: unknown): Buffer {
  return json(toStatus(error));
}

/** The exit code in such a Status. Raises the RiverError that is in it when the program was not run to its end. */
export function readEnding(data: Buffer): number {
  const status = parsed(data);
  if (status?.status === 'Success') return 0;
  const error = fromStatus(status, 500);
  const code = error.details.causes?.find(({ reason }) => reason === 'ExitCode')?.message;
  if (status?.reason === 'NonZeroExitCode' && code !== undefined && /^\d{1,3}$/.test(code))
    return Number(code);
  throw error;
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function parsed(data: Buffer): { status?: unknown; reason?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
